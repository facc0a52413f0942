// AlexNet as in torchvision (Krizhevsky, "One weird trick for parallelizing convolutional neural networks",
// 2014).

#include <algorithm>
#include <array>
#include <iterator>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

struct AlexConv {
  int index;
  ConvSpec spec;
  bool pool;
  std::int64_t width;  ///< torchvision's
};
constexpr std::array<AlexConv, 5> kAlexConvs{{
    {0, {.kernel = 11, .stride = 4, .padding = 2, .bias = true}, true, 64},
    {3, {.kernel = 5, .padding = 2, .bias = true}, true, 192},
    {6, {.bias = true}, false, 384},
    {8, {.bias = true}, false, 256},
    {10, {.bias = true}, true, 256},
}};
constexpr int kAlexPoolSide = 6;
constexpr std::int64_t kAlexHidden = 4096;

}  // namespace

// VGGs have the same names for their convolutions, but other numbers of them, or of the linear layers.
bool matches_alexnet(const TensorMap& tensors) {
  const auto has = [&](const char* name) { return tensors.contains(name); };
  if (has("features.0.weight")) {
    const Shape shape = tensors.at("features.0.weight").shape();
    if (shape.size() == 4 && shape[2] == 11 && shape[3] == 11) return true;
  }
  const auto convs = std::ranges::count_if(kAlexConvs, [&](const AlexConv& layer) {
    return tensors.contains("features." + std::to_string(layer.index) + ".weight");
  });
  return convs + 1 >= std::ssize(kAlexConvs) &&
         highest_index(tensors, "features.") == kAlexConvs.back().index && !has("classifier.0.weight") &&
         (has("classifier.1.weight") || has("classifier.4.weight"));
}

Network build_alexnet(Assembler& a) {
  Network network;
  std::int64_t total = 0, standard = 0;
  Flow x = a.input();
  for (const AlexConv& layer : kAlexConvs) {
    const auto feature = [&](int offset) { return "features." + std::to_string(layer.index + offset); };
    x = a.conv(feature(0), x, layer.spec);
    total += x.channels;
    standard += layer.width;
    network.default_layer = feature(1);
    x = a.plain(network.default_layer, op::Relu{}, x);
    if (layer.pool) x = a.plain(feature(2), op::MaxPool2d{.kernel = {3, 3}, .stride = {2, 2}}, x);
  }
  a.alias("features", x);
  x = a.plain("avgpool", op::AdaptiveAvgPool2d{{kAlexPoolSide, kAlexPoolSide}}, x);
  x = a.plain("flatten", op::Flatten{}, x);
  x.channels *= kAlexPoolSide * kAlexPoolSide;
  x = a.plain("classifier.0", op::Identity{}, x);  // Dropout
  for (const int index : {1, 4}) {
    x = a.linear("classifier." + std::to_string(index), x);
    total += x.channels;
    standard += kAlexHidden;
    x = a.plain("classifier." + std::to_string(index + 1), op::Relu{}, x);
    if (index == 1) x = a.plain("classifier.3", op::Identity{}, x);  // Dropout
  }
  a.alias("classifier", a.linear("classifier.6", x));
  network.graph = a.finish();
  network.depth_name = "alexnet";
  network.architecture = network.depth_name + width_suffix_of(total, standard);
  return network;
}

}  // namespace ablaze::models
