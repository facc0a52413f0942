// ResNets for small images: a 3x3 stem without a pool, stages of basic blocks, each but the first of stride 2
// (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2). A shortcut without
// weights is the paper's option A: every second pixel, with zeros for the new channels, half of them before
// and half after the existing ones, as in current implementations.

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "models/families.hpp"
#include "models/head.hpp"

namespace ablaze::models {
namespace {

constexpr std::array<std::string_view, 4> kCifarHeads{"linear", "fc", "classifier", "head"};
constexpr int kMostBlocks = 1000;

std::string stage_name(int stage) { return "layer" + std::to_string(stage + 1); }

/// Blocks of a stage; 0 where the stage does not exist.
int count_blocks(const TensorMap& tensors, int stage) {
  int blocks = 0;
  for (const auto& [name, weight] : tensors)
    blocks = std::max(blocks, index_in(name, stage_name(stage) + ".") + 1);
  return std::min(blocks, kMostBlocks);
}

int count_stages(const TensorMap& tensors) {
  int stages = 0;
  while (count_blocks(tensors, stages) > 0) ++stages;
  return stages;
}

/// Builds one residual block.
class Block {
 public:
  Block(Assembler& assembler, std::string name, Flow in, int stride)
      : a_(assembler), name_(std::move(name)), in_(in), stride_(stride) {}

  Flow build() {
    Flow x = conv_norm("conv1", "bn1", in_, {.kernel = 3, .stride = stride_, .padding = 1});
    x = relu(x);
    x = conv_norm("conv2", "bn2", x, {.kernel = 3, .padding = 1, .outputs = x.channels});
    x = relu(a_.add(name_ + ".add", x, shortcut(x.channels)));
    a_.alias(name_, x);
    return x;
  }

 private:
  Flow conv_norm(const std::string& conv, const std::string& norm, Flow from, const ConvSpec& spec) {
    return a_.batch_norm(name_ + "." + norm, a_.conv(name_ + "." + conv, from, spec));
  }
  Flow relu(Flow from) { return a_.plain(name_ + ".relu@" + std::to_string(++calls_), op::Relu{}, from); }

  Flow shortcut(std::int64_t channels) {
    for (const char* module : {"shortcut", "downsample"}) {
      const std::string name = std::string(module) + ".";
      if (!a_.contains(name_ + "." + name + "0.weight")) continue;
      const Flow flow = conv_norm(name + "0", name + "1", in_,
                                  {.kernel = 1, .stride = stride_, .padding = 0, .outputs = channels});
      a_.alias(name_ + "." + module, flow);
      return flow;
    }
    if (stride_ == 1 && channels == in_.channels) return in_;
    return filled_up(channels);
  }

  Flow filled_up(std::int64_t channels) {
    op::ChannelMap map{{}, {stride_, stride_}};
    const std::int64_t before = std::max<std::int64_t>(channels - in_.channels, 0) / 2;
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t source = c - before;
      map.from.push_back(source >= 0 && source < in_.channels ? static_cast<int>(source) : -1);
    }
    Flow flow = a_.plain(name_ + ".shortcut", std::move(map), in_);
    flow.channels = channels;
    return flow;
  }

  Assembler& a_;
  std::string name_;
  Flow in_;
  int stride_;
  int calls_ = 0;
};

/// "cifar_resnet20": three equal stages have 6 n + 2 layers; "cifar_resnet18": four stages of two blocks.
std::string depth_name(const std::vector<int>& blocks) {
  const bool even = std::ranges::all_of(blocks, [&](int n) { return n == blocks.front(); });
  const std::vector<int> resnet34{3, 4, 6, 3};
  if (blocks.size() == 3 && even) return "cifar_resnet" + std::to_string(6 * blocks.front() + 2);
  if (blocks.size() == 4 && even && blocks.front() == 2) return "cifar_resnet18";
  return blocks == resnet34 ? "cifar_resnet34" : "cifar_resnet";
}

}  // namespace

bool matches_cifar_resnet(const TensorMap& tensors) {
  const auto stem = tensors.find("conv1.weight");
  const auto second = tensors.find("layer1.0.conv2.weight");
  return stem != tensors.end() && stem->second.shape().size() == 4 && stem->second.shape()[2] == 3 &&
         second != tensors.end() && !tensors.contains("layer1.0.conv3.weight");
}

Network build_cifar_resnet(Assembler& a) {
  const int stages = count_stages(a.tensors());
  Flow x = a.conv("conv1", a.input(), {.kernel = 3, .padding = 1});
  const std::int64_t stem = x.channels;
  x = a.plain("relu", op::Relu{}, a.batch_norm("bn1", x));
  std::vector<int> blocks;
  for (int stage = 0; stage < stages; ++stage) {
    blocks.push_back(count_blocks(a.tensors(), stage));
    for (int i = 0; i < blocks.back(); ++i) {
      const int stride = i == 0 && stage > 0 ? 2 : 1;
      x = Block(a, stage_name(stage) + "." + std::to_string(i), x, stride).build();
    }
    a.alias(stage_name(stage), x);
  }
  x = a.plain("avgpool", op::AdaptiveAvgPool2d{}, x);
  Network network;
  std::vector<std::int64_t> linears;
  Head(a, kCifarHeads).build(a, a.plain("flatten", op::Flatten{}, x), linears, network.notes);
  network.graph = a.finish();
  network.depth_name = depth_name(blocks);
  const std::int64_t usual = stages == 3 ? 16 : 64;
  network.architecture = network.depth_name;
  if (stem != usual && network.depth_name != "cifar_resnet")
    network.architecture += stem < usual ? "_thin" : "_wide";
  network.default_layer = stage_name(stages - 1);
  network.preprocess.resize = network.preprocess.crop = 32;
  return network;
}

}  // namespace ablaze::models
