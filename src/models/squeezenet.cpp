// SqueezeNet 1.0 and 1.1 as in torchvision (Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x
// fewer parameters", 2016). The last convolution gives the classes' planes; their means are the logits.

#include <algorithm>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

constexpr int kFeatures = 13;  ///< modules

std::string squeeze_feature(int index) { return "features." + std::to_string(index); }

/// 1.1 pools earlier: the fires have other numbers.
bool is_1_0(const TensorMap& tensors) {
  return tensors.contains("features.5.squeeze.weight") || tensors.contains("features.8.squeeze.weight");
}

bool is_pool(bool version_1_0, int index) {
  return version_1_0 ? index == 2 || index == 6 || index == 11 : index == 2 || index == 5 || index == 8;
}

Flow fire(Assembler& a, const std::string& name, Flow x) {
  const auto conv = [&](const std::string& part, Flow from, int kernel) {
    const Flow y = a.conv(name + "." + part, from, {.kernel = kernel, .padding = kernel / 2, .bias = true});
    return a.plain(name + "." + part + "_activation", op::Relu{}, y);
  };
  const Flow squeezed = conv("squeeze", x, 1);
  const Flow one = conv("expand1x1", squeezed, 1);
  const Flow three = conv("expand3x3", squeezed, 3);
  return a.concat(name, {one, three});
}

}  // namespace

bool matches_squeezenet(const TensorMap& tensors) {
  return std::ranges::any_of(tensors, [](const auto& tensor) {
    return index_in(tensor.first, "features.") >= 0 && tensor.first.find(".squeeze.") != std::string::npos;
  });
}

Network build_squeezenet(Assembler& a) {
  constexpr std::int64_t usual_fires = 2560;
  const bool old = is_1_0(a.tensors());
  Flow x =
      a.conv(squeeze_feature(0), a.input(), {.kernel = old ? 7 : 3, .stride = 2, .padding = 0, .bias = true});
  std::int64_t total = x.channels;
  x = a.plain(squeeze_feature(1), op::Relu{}, x);
  for (int index = 2; index < kFeatures; ++index) {
    const std::string name = squeeze_feature(index);
    if (is_pool(old, index)) {
      x = a.plain(name, op::MaxPool2d{.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true}, x);
    } else {
      x = fire(a, name, x);
      total += x.channels;
    }
  }
  a.alias("features", x);
  x = a.plain("classifier.0", op::Identity{}, x);  // Dropout
  x = a.conv("classifier.1", x, {.kernel = 1, .padding = 0, .bias = true});
  x = a.plain("classifier.2", op::Relu{}, x);
  x = a.plain("classifier.3", op::AdaptiveAvgPool2d{}, x);
  a.alias("classifier", x);
  a.plain("flatten", op::Flatten{}, x);

  Network network;
  network.graph = a.finish();
  network.depth_name = old ? "squeezenet1_0" : "squeezenet1_1";
  network.architecture = network.depth_name + width_suffix_of(total, (old ? 96 : 64) + usual_fires);
  network.default_layer = squeeze_feature(kFeatures - 1);
  return network;
}

}  // namespace ablaze::models
