// The wire format and the translation into a graph.

#include "formats/onnx/import.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ablaze::fuzz::survive(data, size, [](std::span<const std::byte> bytes) {
    using namespace ablaze::formats;
    const OnnxExternals none = [](std::string_view) -> OnnxExternal {
      throw ablaze::Error("no other files here");
    };
    const std::string name = "file";
    const OnnxNetwork network = import_onnx(parse_onnx(bytes, nullptr, none, name), name);
    (void)network.graph.infer_shapes(network.input);
  });
}
