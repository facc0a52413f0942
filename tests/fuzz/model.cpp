// From a file to its logits: every model that a reader accepts must compile and run.

#include <algorithm>

#include <ablaze/session.hpp>

#include "formats/onnx/import.hpp"
#include "formats/tensor_file.hpp"
#include "input.hpp"
#include "models/load.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ablaze::fuzz::survive(data, size, [](std::span<const std::byte> bytes) {
    using namespace ablaze;
    SessionOptions options;
    Graph graph;
    if (formats::looks_like_onnx(bytes)) {
      const formats::OnnxExternals none = [](std::string_view) -> formats::OnnxExternal {
        throw Error("no other files here");
      };
      const std::string name = "file";
      formats::OnnxNetwork network =
          formats::import_onnx(formats::parse_onnx(bytes, nullptr, none, name), name);
      graph = std::move(network.graph);
      options.input = network.input;
      options.keep = {models::default_target(graph, options.input)};
    } else {
      const formats::TensorFile content = formats::parse_tensor_file(bytes, nullptr, "file");
      const Model model = models::make_model(content, models::identify(content, "file"), "file");
      graph = model.graph;
      options.input = {1, 3, 32, 32};
      options.keep = {model.default_layer};
    }
    options.execution.threads = 1;
    options.execution.memory_limit = std::size_t{64} << 20;
    const Session session(graph, options);
    (void)session.run(Tensor(options.input)).logits();
  });
}
