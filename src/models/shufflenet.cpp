// ShuffleNet-v2 as in torchvision (Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN
// Architecture Design", ECCV 2018). A block's two halves are shuffled: its channels come from them in turns.

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

constexpr int kShuffleFirstStage = 2, kShuffleLastStage = 4;

std::string shuffle_stage(int stage) { return "stage" + std::to_string(stage); }

Flow shuffle_branch2(Assembler& a, const std::string& name, Flow x, int stride, std::int64_t outputs) {
  x = normed_conv_in(a, name, 0, x, {.kernel = 1, .activation = op::Relu{}});
  x = normed_conv_in(a, name, 3, x, {.stride = stride, .depthwise = true});
  x = normed_conv_in(a, name, 5, x, {.kernel = 1, .outputs = outputs, .activation = op::Relu{}});
  a.alias(name, x);
  return x;
}

/// The channels [begin, begin + half) of a flow at every second place from `first`.
ChannelPart in_turns(Flow flow, std::int64_t begin, std::int64_t half, std::size_t first) {
  std::vector<int> from(static_cast<std::size_t>(2 * half), -1);
  for (std::int64_t c = 0; c < half; ++c)
    from[static_cast<std::size_t>(2 * c) + first] = static_cast<int>(begin + c);
  return {flow, std::move(from)};
}

/// Stride 2: both branches read all channels.
Flow halving_block(Assembler& a, const std::string& name, Flow in) {
  const std::string branch1 = name + ".branch1";
  Flow left = normed_conv_in(a, branch1, 0, in, {.stride = 2, .depthwise = true});
  left = normed_conv_in(a, branch1, 2, left, {.kernel = 1, .activation = op::Relu{}});
  a.alias(branch1, left);
  const Flow right = shuffle_branch2(a, name + ".branch2", in, 2, left.channels);
  a.check_channels(name, left.channels);
  Flow out = a.arrange(name, {in_turns(left, 0, left.channels, 0), in_turns(right, 0, left.channels, 1)});
  out.channels = 2 * left.channels;  // stays kAny
  return out;
}

/// Stride 1: the first half of the channels is kept.
Flow keeping_block(Assembler& a, const std::string& name, Flow in) {
  const std::int64_t half = in.channels / 2;
  std::vector<int> second(static_cast<std::size_t>(half));
  for (std::int64_t c = 0; c < half; ++c) second[static_cast<std::size_t>(c)] = static_cast<int>(half + c);
  const Flow right = a.arrange(name + ".chunk", {{in, std::move(second)}});
  const Flow changed = shuffle_branch2(a, name + ".branch2", right, 1, half);
  return a.arrange(name, {in_turns(in, 0, half, 0), in_turns(changed, 0, half, 1)});
}

using ShuffleWidths = std::array<std::int64_t, 5>;

std::string shufflenet_name(const std::vector<int>& blocks, const ShuffleWidths& widths) {
  static const std::map<ShuffleWidths, std::string> known{{{24, 48, 96, 192, 1024}, "shufflenet_v2_x0_5"},
                                                          {{24, 116, 232, 464, 1024}, "shufflenet_v2_x1_0"},
                                                          {{24, 176, 352, 704, 1024}, "shufflenet_v2_x1_5"},
                                                          {{24, 244, 488, 976, 2048}, "shufflenet_v2_x2_0"}};
  const auto it = known.find(widths);
  return it == known.end() || blocks != std::vector<int>{4, 8, 4} ? "shufflenet_v2" : it->second;
}

}  // namespace

bool matches_shufflenet(const TensorMap& tensors) {
  return std::ranges::any_of(tensors, [](const auto& tensor) {
    return index_in(tensor.first, "stage2.") >= 0 && tensor.first.find(".branch") != std::string::npos;
  });
}

Network build_shufflenet(Assembler& a) {
  Flow x = normed_conv(a, "conv1", a.input(), {.stride = 2, .activation = op::Relu{}});
  ShuffleWidths widths{x.channels};
  x = a.plain("maxpool", op::MaxPool2d{.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, x);
  std::vector<int> blocks;
  for (int stage = kShuffleFirstStage; stage <= kShuffleLastStage; ++stage) {
    const std::string name = shuffle_stage(stage);
    blocks.push_back(count_modules(a, name + "."));
    for (int block = 0; block < blocks.back(); ++block) {
      const std::string module = name + "." + std::to_string(block);
      x = block == 0 ? halving_block(a, module, x) : keeping_block(a, module, x);
    }
    a.alias(name, x);
    widths[static_cast<std::size_t>(stage - kShuffleFirstStage + 1)] = x.channels;
  }
  x = normed_conv(a, "conv5", x, {.kernel = 1, .activation = op::Relu{}});
  widths.back() = x.channels;
  a.linear("fc", global_average(a, x));

  Network network;
  network.graph = a.finish();
  network.depth_name = network.architecture = shufflenet_name(blocks, widths);
  // These two have only weights of torchvision's newer recipe.
  if (network.depth_name.ends_with("x1_5") || network.depth_name.ends_with("x2_0"))
    network.preprocess.resize = 232;
  network.default_layer = "conv5";
  return network;
}

}  // namespace ablaze::models
