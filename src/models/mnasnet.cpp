// MNASNet-B1 as in torchvision (Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile",
// CVPR 2019), of any width. Files of its first version have a stem of fixed width, which the shapes tell.

#include <algorithm>
#include <array>
#include <map>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

struct MnasStack {
  int kernel;
  int stride;
  int blocks;
};
constexpr std::array<MnasStack, 6> kMnasStacks{
    {{3, 2, 3}, {5, 2, 3}, {5, 2, 3}, {3, 1, 2}, {5, 2, 4}, {3, 1, 1}}};
constexpr int kMnasFirstStack = 8, kMnasLast = 14;
constexpr const char* kMnasLayers = "layers";

using MnasWidths = std::array<std::int64_t, 8>;

Flow mnas_block(Assembler& a, const std::string& name, Flow in, int kernel, int stride, bool first) {
  const std::string layers = name + ".layers";
  Flow x = normed_conv_in(a, layers, 0, in, {.kernel = 1, .activation = op::Relu{}});
  x = normed_conv_in(a, layers, 3, x,
                     {.kernel = kernel, .stride = stride, .depthwise = true, .activation = op::Relu{}});
  x = normed_conv_in(a, layers, 6, x, {.kernel = 1, .outputs = first ? kAny : in.channels});
  a.alias(layers, x);
  if (stride == 1 && x.channels == in.channels) return a.add(name, x, in);
  a.alias(name, x);
  return x;
}

std::string mnasnet_name(const MnasWidths& widths) {
  static const std::map<MnasWidths, std::string> known{{{16, 8, 16, 24, 40, 48, 96, 160}, "mnasnet0_5"},
                                                       {{32, 16, 16, 24, 40, 48, 96, 160}, "mnasnet0_5"},
                                                       {{24, 16, 24, 32, 64, 72, 144, 240}, "mnasnet0_75"},
                                                       {{32, 16, 24, 32, 64, 72, 144, 240}, "mnasnet0_75"},
                                                       {{32, 16, 24, 40, 80, 96, 192, 320}, "mnasnet1_0"},
                                                       {{40, 24, 32, 56, 104, 128, 248, 416}, "mnasnet1_3"},
                                                       {{32, 16, 32, 56, 104, 128, 248, 416}, "mnasnet1_3"}};
  const auto it = known.find(widths);
  return it == known.end() ? "mnasnet" : it->second;
}

}  // namespace

bool matches_mnasnet(const TensorMap& tensors) {
  return std::ranges::any_of(tensors, [](const auto& tensor) {
    const int stack = index_in(tensor.first, "layers.");
    if (stack < kMnasFirstStack) return false;
    const std::string prefix = "layers." + std::to_string(stack) + ".";
    const int block = index_in(tensor.first, prefix);
    return block >= 0 && tensor.first.starts_with(prefix + std::to_string(block) + ".layers.");
  });
}

Network build_mnasnet(Assembler& a) {
  MnasWidths widths{};
  Flow x = normed_conv_in(a, kMnasLayers, 0, a.input(), {.stride = 2, .activation = op::Relu{}});
  widths[0] = x.channels;
  x = normed_conv_in(a, kMnasLayers, 3, x, {.depthwise = true, .activation = op::Relu{}});
  x = normed_conv_in(a, kMnasLayers, 6, x, {.kernel = 1});
  widths[1] = x.channels;
  int index = kMnasFirstStack;
  for (const MnasStack& stack : kMnasStacks) {
    const std::string name = "layers." + std::to_string(index);
    const int found = count_modules(a, name + ".");
    if (found > stack.blocks) {
      unknown_arrangement(a, "MNASNet", std::to_string(found) + " blocks in " + name,
                          std::to_string(stack.blocks));
    }
    for (int block = 0; block < stack.blocks; ++block) {
      const bool first = block == 0;
      x = mnas_block(a, name + "." + std::to_string(block), x, stack.kernel, first ? stack.stride : 1, first);
    }
    a.alias(name, x);
    widths[static_cast<std::size_t>(index - kMnasFirstStack + 2)] = x.channels;
    ++index;
  }
  x = normed_conv_in(a, kMnasLayers, kMnasLast, x, {.kernel = 1, .activation = op::Relu{}});
  a.alias(kMnasLayers, x);
  dropout_and_linear(a, "classifier", global_average(a, x));

  Network network;
  network.graph = a.finish();
  network.depth_name = mnasnet_name(widths);
  network.architecture = network.depth_name;
  // These two have only weights of torchvision's newer recipe.
  if (network.depth_name == "mnasnet0_75" || network.depth_name == "mnasnet1_3")
    network.preprocess.resize = 232;
  network.default_layer = "layers.16";
  return network;
}

}  // namespace ablaze::models
