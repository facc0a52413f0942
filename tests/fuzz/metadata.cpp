// The JSON of a model file's metadata: the first byte says which key the rest stands under.

#include "models/metadata.hpp"

#include <array>

#include "input.hpp"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  return ablaze::fuzz::survive(data, size, [](std::span<const std::byte> bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const char* const key = keys[std::to_integer<std::size_t>(bytes[0]) % keys.size()];
    ablaze::Model model = three_classes();
    ablaze::models::apply_metadata({{key, std::string(text.substr(1))}}, model);
    (void)ablaze::models::metadata_of(model);
  });
}
