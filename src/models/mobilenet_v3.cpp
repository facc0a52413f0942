// MobileNet-v3, small and large, as in torchvision (Howard et al., "Searching for MobileNetV3", ICCV 2019),
// of any width. Strides and activations do not show in the tensors; they are those of the two networks,
// without the dilation of segmentation's backbones.

#include <algorithm>
#include <array>
#include <span>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

constexpr double kV3Epsilon = 1e-3;

struct V3Block {
  int kernel;
  bool squeezes;
  bool hard_swish;  ///< else ReLU
  int stride;
  std::int64_t width;  ///< at torchvision's width
};
constexpr std::array<V3Block, 15> kV3Large{{{3, false, false, 1, 16},
                                            {3, false, false, 2, 24},
                                            {3, false, false, 1, 24},
                                            {5, true, false, 2, 40},
                                            {5, true, false, 1, 40},
                                            {5, true, false, 1, 40},
                                            {3, false, true, 2, 80},
                                            {3, false, true, 1, 80},
                                            {3, false, true, 1, 80},
                                            {3, false, true, 1, 80},
                                            {3, true, true, 1, 112},
                                            {3, true, true, 1, 112},
                                            {5, true, true, 2, 160},
                                            {5, true, true, 1, 160},
                                            {5, true, true, 1, 160}}};
constexpr std::array<V3Block, 11> kV3Small{{{3, true, false, 2, 16},
                                            {3, false, false, 2, 24},
                                            {3, false, false, 1, 24},
                                            {5, true, true, 2, 40},
                                            {5, true, true, 1, 40},
                                            {5, true, true, 1, 40},
                                            {5, true, true, 1, 48},
                                            {5, true, true, 1, 48},
                                            {5, true, true, 2, 96},
                                            {5, true, true, 1, 96},
                                            {5, true, true, 1, 96}}};

Op hard_swish() { return op::Curve{op::Curve::Kind::hard_swish}; }

Flow v3_block(Assembler& a, const std::string& name, Flow in, const V3Block& kind) {
  const Op activation = kind.hard_swish ? hard_swish() : Op(op::Relu{});
  const std::string block = name + ".block.";
  const int least = kind.squeezes ? 3 : 2;  // modules of a block that does not widen first
  const bool widens = highest_index(a.tensors(), block) >= least;
  Flow x = in;
  int child = 0;
  const auto next = [&] { return block + std::to_string(child++); };
  if (widens) x = normed_conv(a, next(), x, {.kernel = 1, .epsilon = kV3Epsilon, .activation = activation});
  x = normed_conv(a, next(), x,
                  {.kernel = kind.kernel,
                   .stride = kind.stride,
                   .depthwise = true,
                   .epsilon = kV3Epsilon,
                   .activation = activation});
  if (kind.squeezes) x = squeeze_excitation(a, next(), x, op::Relu{}, hard_sigmoid());
  x = normed_conv(a, next(), x, {.kernel = 1, .epsilon = kV3Epsilon});
  a.alias(name + ".block", x);
  if (kind.stride == 1 && x.channels == in.channels) return a.add(name, x, in);
  a.alias(name, x);
  return x;
}

}  // namespace

bool matches_mobilenet_v3(const TensorMap& tensors) {
  return std::ranges::any_of(tensors, [](const auto& tensor) {
    const int index = index_in(tensor.first, "features.");
    return index >= 0 && tensor.first.starts_with("features." + std::to_string(index) + ".block.");
  });
}

Network build_mobilenet_v3(Assembler& a) {
  const int last = highest_index(a.tensors(), "features.");
  const bool small = last == static_cast<int>(kV3Small.size()) + 1;
  if (!small && last != static_cast<int>(kV3Large.size()) + 1) {
    unknown_arrangement(a, "MobileNet-v3", "features.0 to features." + std::to_string(last),
                        "features.0 to features.12 (small) or features.16 (large)");
  }
  const NormedConv stem{.stride = 2, .epsilon = kV3Epsilon, .activation = hard_swish()};
  Flow x = normed_conv(a, "features.0", a.input(), stem);
  std::int64_t total = x.channels, standard = 16;
  int index = 0;
  for (const V3Block& kind :
       small ? std::span<const V3Block>(kV3Small) : std::span<const V3Block>(kV3Large)) {
    x = v3_block(a, "features." + std::to_string(++index), x, kind);
    total += x.channels;
    standard += kind.width;
  }
  const std::string last_feature = "features." + std::to_string(last);
  x = normed_conv(a, last_feature, x, {.kernel = 1, .epsilon = kV3Epsilon, .activation = hard_swish()});
  a.alias("features", x);
  x = global_average(a, x);
  if (a.contains("classifier.3.weight") || !a.contains("classifier.weight")) {
    x = a.plain("classifier.1", hard_swish(), a.linear("classifier.0", x));
    x = a.plain("classifier.2", op::Identity{}, x);  // Dropout
    a.alias("classifier", a.linear("classifier.3", x));
  } else {
    a.linear("classifier", x);  // a replaced head
  }

  Network network;
  network.graph = a.finish();
  network.depth_name = small ? "mobilenet_v3_small" : "mobilenet_v3_large";
  network.architecture = network.depth_name + width_suffix_of(total, standard);
  network.default_layer = last_feature;
  return network;
}

}  // namespace ablaze::models
