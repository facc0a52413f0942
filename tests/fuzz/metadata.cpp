// The JSON of a model file's metadata and of files next to weights: the first byte selects which of them the
// rest is.

#include "models/metadata.hpp"

#include <array>

#include "input.hpp"
#include "models/config.hpp"
#include "models/graph_json.hpp"

namespace {

constexpr std::array<const char*, 6> keys{"ablaze.labels",     "ablaze.preprocess", "ablaze.selftest",
                                          "ablaze.activation", "ablaze.version",    "ablaze.provenance"};

/// A network of three classes.
ablaze::Model three_classes() {
  ablaze::Model model;
  const auto input = model.graph.add("input", ablaze::op::Input{{3, 0, 0}}, {});
  const auto pool = model.graph.add("pool", ablaze::op::AdaptiveAvgPool2d{}, {input});
  const auto flat = model.graph.add("flat", ablaze::op::Flatten{}, {pool});
  model.graph.add("fc", ablaze::op::Linear{ablaze::Tensor({3, 3}), {}}, {flat});
  return model;
}

/// The weights named in the seeds' graph.
ablaze::models::TensorMap small_weights() {
  using ablaze::Tensor;
  return {{"conv.weight", Tensor({2, 3, 3, 3})},
          {"conv.bias", Tensor({2})},
          {"bn.weight", Tensor({2})},
          {"bn.bias", Tensor({2})},
          {"bn.running_mean", Tensor({2})},
          {"bn.running_var", Tensor({2})},
          {"fc.weight", Tensor({3, 2})},
          {"fc.bias", Tensor({3})}};
}

void read_graph(const std::string& text) {
  const ablaze::Graph graph = ablaze::models::graph_from_json(text, small_weights(), "file");
  (void)graph.infer_shapes({1, 3, 16, 16});
  (void)ablaze::models::graph_to_json(graph);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  return ablaze::fuzz::survive(data, size, [](std::span<const std::byte> bytes) {
    const std::string text(reinterpret_cast<const char*>(bytes.data()) + 1, bytes.size() - 1);
    const std::size_t kind = std::to_integer<std::size_t>(bytes[0]) % (keys.size() + 3);
    if (kind == keys.size()) return read_graph(text);
    ablaze::Model model = three_classes();
    if (kind == keys.size() + 1) {
      ablaze::models::apply_config(model, text, {});
    } else if (kind == keys.size() + 2) {
      ablaze::models::apply_config(model, {}, text);
    } else {
      ablaze::models::apply_metadata({{keys[kind], text}}, model);
    }
    (void)ablaze::models::metadata_of(model);
  });
}
