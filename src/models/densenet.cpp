// DenseNet as in torchvision (Huang et al., "Densely Connected Convolutional Networks", CVPR 2017): the
// layers of a block read the concatenation of all earlier outputs. Depths, growth and widths are read from
// the tensors.

#include <algorithm>
#include <map>
#include <vector>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

constexpr int kMostDenseBlocks = 16;

std::string dense_block(int block) { return "features.denseblock" + std::to_string(block + 1); }

Flow dense_layer(Assembler& a, const std::string& name, Flow x) {
  x = a.plain(name + ".relu1", op::Relu{}, a.batch_norm(name + ".norm1", x));
  x = a.conv(name + ".conv1", x, {.kernel = 1, .padding = 0});
  x = a.plain(name + ".relu2", op::Relu{}, a.batch_norm(name + ".norm2", x));
  x = a.conv(name + ".conv2", x, {});
  a.alias(name, x);
  return x;
}

/// The concatenation grows by one layer's output at a time.
Flow build_dense_block(Assembler& a, const std::string& name, Flow x, int layers) {
  for (int i = 1; i <= layers; ++i) {
    const std::string layer = name + ".denselayer" + std::to_string(i);
    const Flow fresh = dense_layer(a, layer, x);
    x = a.concat(i == layers ? name : layer + ".cat", {x, fresh});
  }
  return x;
}

Flow transition(Assembler& a, const std::string& name, Flow x) {
  x = a.plain(name + ".relu", op::Relu{}, a.batch_norm(name + ".norm", x));
  x = a.conv(name + ".conv", x, {.kernel = 1, .padding = 0});
  x = a.plain(name + ".pool", op::AvgPool2d{}, x);
  a.alias(name, x);
  return x;
}

std::string densenet_name(const std::vector<int>& layers) {
  static const std::map<std::vector<int>, std::string> known{{{6, 12, 24, 16}, "densenet121"},
                                                             {{6, 12, 36, 24}, "densenet161"},
                                                             {{6, 12, 32, 32}, "densenet169"},
                                                             {{6, 12, 48, 32}, "densenet201"}};
  const auto it = known.find(layers);
  return it == known.end() ? "densenet" : it->second;
}

}  // namespace

bool matches_densenet(const TensorMap& tensors) {
  return std::ranges::any_of(
      tensors, [](const auto& tensor) { return index_in(tensor.first, "features.denseblock") >= 0; });
}

Network build_densenet(Assembler& a) {
  // Modules are counted from 1.
  const int blocks = count_modules(a, "features.denseblock", kMostDenseBlocks) - 1;
  Flow x = a.conv("features.conv0", a.input(), {.kernel = 7, .stride = 2, .padding = 3});
  const std::int64_t stem = x.channels;
  x = a.plain("features.relu0", op::Relu{}, a.batch_norm("features.norm0", x));
  x = a.plain("features.pool0", op::MaxPool2d{.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, x);
  std::vector<int> layers;
  for (int block = 0; block < blocks; ++block) {
    const std::string name = dense_block(block);
    layers.push_back(std::max(count_modules(a, name + ".denselayer") - 1, 1));
    x = build_dense_block(a, name, x, layers.back());
    if (block + 1 < blocks) x = transition(a, "features.transition" + std::to_string(block + 1), x);
  }
  x = a.batch_norm("features.norm5", x);
  a.alias("features", x);
  x = a.plain("relu", op::Relu{}, x);  // a function, not a module
  a.linear("classifier", global_average(a, x));

  Network network;
  network.graph = a.finish();
  const Shape growth = a.shape("features.denseblock1.denselayer1.conv2.weight");
  network.depth_name = densenet_name(layers);
  network.architecture = network.depth_name;
  const std::int64_t usual = network.depth_name == "densenet161" ? 96 + 48 : 64 + 32;
  if (network.depth_name != "densenet") network.architecture += width_suffix_of(stem + growth.at(0), usual);
  network.default_layer = "features.norm5";
  return network;
}

}  // namespace ablaze::models
