// MobileNet-v2 as in torchvision (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
// CVPR 2018), of any width.

#include <algorithm>
#include <array>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

struct V2Stage {
  std::int64_t width;
  int blocks;
  int stride;
};
constexpr std::array<V2Stage, 7> kV2Stages{
    {{16, 1, 1}, {24, 2, 2}, {32, 3, 2}, {64, 4, 2}, {96, 3, 1}, {160, 3, 2}, {320, 1, 1}}};
constexpr std::int64_t kV2Stem = 32, kV2Last = 1280;
constexpr int kV2LastFeature = 18;

/// `outputs`: the stage's, known behind its first block.
Flow v2_block(Assembler& a, const std::string& name, Flow in, int stride, std::int64_t outputs) {
  Flow x = in;
  int child = 0;
  const std::string conv = name + ".conv";
  // Without a widening convolution, the depthwise one, the last and its BatchNorm are children 0, 1 and 2.
  if (highest_index(a.tensors(), conv + ".") > 2)
    x = normed_conv(a, conv + "." + std::to_string(child++), x, {.kernel = 1, .activation = relu6()});
  x = normed_conv(a, conv + "." + std::to_string(child++), x,
                  {.stride = stride, .depthwise = true, .activation = relu6()});
  x = normed_conv_in(a, conv, child, x, {.kernel = 1, .outputs = outputs});
  a.alias(conv, x);
  const bool residual = stride == 1 && x.channels == in.channels;
  if (residual) return a.add(name, x, in);
  a.alias(name, x);
  return x;
}

}  // namespace

bool matches_mobilenet_v2(const TensorMap& tensors) {
  return std::ranges::any_of(tensors, [](const auto& tensor) {
    const int index = index_in(tensor.first, "features.");
    return index >= 0 && tensor.first.starts_with("features." + std::to_string(index) + ".conv.");
  });
}

Network build_mobilenet_v2(Assembler& a) {
  const int last = highest_index(a.tensors(), "features.");
  if (last != kV2LastFeature) {
    unknown_arrangement(a, "MobileNet-v2", "features.0 to features." + std::to_string(last),
                        "features.0 to features." + std::to_string(kV2LastFeature));
  }
  Flow x = normed_conv(a, "features.0", a.input(), {.stride = 2, .activation = relu6()});
  std::int64_t total = x.channels, standard = kV2Stem;
  int index = 0;
  for (const V2Stage& stage : kV2Stages) {
    for (int block = 0; block < stage.blocks; ++block) {
      const bool first = block == 0;
      x = v2_block(a, "features." + std::to_string(++index), x, first ? stage.stride : 1,
                   first ? kAny : x.channels);
    }
    total += x.channels;
    standard += stage.width;
  }
  const std::string last_feature = "features." + std::to_string(kV2LastFeature);
  x = normed_conv(a, last_feature, x, {.kernel = 1, .activation = relu6()});
  total += x.channels;
  standard += kV2Last;
  a.alias("features", x);
  dropout_and_linear(a, "classifier", global_average(a, x));

  Network network;
  network.graph = a.finish();
  network.depth_name = "mobilenet_v2";
  network.architecture = network.depth_name + width_suffix_of(total, standard);
  network.default_layer = last_feature;
  return network;
}

}  // namespace ablaze::models
