// ResNet, ResNeXt and Wide ResNet as in torchvision (He et al., "Deep Residual Learning for Image
// Recognition", CVPR 2016; Xie et al., "Aggregated Residual Transformations for Deep Neural Networks", CVPR
// 2017; Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016). A bottleneck's stride is on its 3x3
// convolution (torchvision's "v1.5"): this is assumed, as no shape shows it.

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <string_view>
#include <vector>

#include <ablaze/error.hpp>

#include "models/families.hpp"
#include "models/head.hpp"

namespace ablaze::models {
namespace {

constexpr int kStages = 4;
constexpr std::int64_t kExpansion = 4;  ///< a bottleneck's output channels relative to its stage's planes

/// torchvision's name first; then those of timm, Cadene's models and fine-tuning scripts.
constexpr std::array<std::string_view, 6> kResnetHeads{"fc",     "classifier",  "head",
                                                       "linear", "last_linear", "output"};

using PerStage = std::array<std::int64_t, kStages>;

/// Parameters known from the names and from conv2's shapes before building.
struct Layout {
  bool bottleneck = false;
  std::array<int, kStages> blocks{};
  int groups = 1;
};

/// The widths that determine the architecture's name.
struct Widths {
  std::int64_t stem = 0;
  PerStage planes{};  ///< of a stage's output, without a bottleneck's expansion
  PerStage inner{};   ///< of the 3x3 convolutions
};

std::string stage_name(int stage) { return "layer" + std::to_string(stage + 1); }
std::string block_name(int stage, int block) { return stage_name(stage) + "." + std::to_string(block); }

int count_blocks(const TensorMap& tensors, int stage, const std::string& file) {
  constexpr int most = 1000;
  int last = 0;  // a stage without tensors counts one block, whose tensors are then reported as missing
  for (const auto& [name, weight] : tensors) last = std::max(last, index_in(name, stage_name(stage) + "."));
  if (last >= most) {
    throw Error(file + ": " + block_name(stage, last) + " would be a stage of " + std::to_string(last) +
                " or more blocks; at most " + std::to_string(most) + " are supported");
  }
  return last + 1;
}

/// The groups of one block's 3x3 convolution: input channels / channels read by each filter; 0 where the
/// shapes do not determine it.
std::int64_t block_groups(const Assembler& assembler, const std::string& block) {
  const Shape before = assembler.shape(block + ".conv1.weight");
  const Shape shape = assembler.shape(block + ".conv2.weight");
  if (before.size() != 4 || shape.size() != 4 || shape[1] <= 0 || before[0] % shape[1] != 0) return 0;
  const std::int64_t groups = before[0] / shape[1];
  return groups <= 1'000'000 ? groups : 0;
}

/// The value of most blocks, so that an error names the single damaged tensor.
int common_groups(const Assembler& assembler, const Layout& layout) {
  std::map<std::int64_t, int> votes;
  for (int stage = 0; stage < kStages; ++stage) {
    for (int block = 0; block < layout.blocks[stage]; ++block) {
      if (const auto groups = block_groups(assembler, block_name(stage, block)); groups > 0) ++votes[groups];
    }
  }
  if (votes.empty()) return 1;
  const auto most = std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
  return static_cast<int>(most->first);
}

Layout read_layout(const Assembler& assembler) {
  Layout layout;
  for (int stage = 0; stage < kStages; ++stage) {
    layout.blocks[stage] = count_blocks(assembler.tensors(), stage, assembler.file());
  }
  layout.bottleneck = std::ranges::any_of(assembler.tensors(), [](const auto& tensor) {
    return tensor.first.find(".conv3.") != std::string::npos;
  });
  if (layout.bottleneck) layout.groups = common_groups(assembler, layout);
  return layout;
}

/// Builds one residual block.
class Block {
 public:
  Block(Assembler& assembler, std::string name, Flow in) : a_(assembler), name_(std::move(name)), in_(in) {}

  /// Two 3x3 convolutions.
  Flow basic(int stride, bool downsample) {
    const std::int64_t planes = downsample ? kAny : in_.channels;
    Flow x = conv_norm("conv1", "bn1", in_, {.kernel = 3, .stride = stride, .padding = 1, .outputs = planes});
    x = relu(x);
    x = conv_norm("conv2", "bn2", x, {.kernel = 3, .padding = 1, .outputs = x.channels});
    inner_ = x.channels;
    return join(x, stride, downsample);
  }

  /// 1x1 down, 3x3, 1x1 up.
  Flow bottleneck(int stride, bool downsample, int groups) {
    Flow x = relu(conv_norm("conv1", "bn1", in_, {.kernel = 1, .padding = 0}));
    x = conv_norm("conv2", "bn2", x,
                  {.kernel = 3, .stride = stride, .padding = 1, .groups = groups, .outputs = x.channels});
    inner_ = x.channels;
    x = relu(x);
    x = conv_norm("conv3", "bn3", x,
                  {.kernel = 1, .padding = 0, .outputs = downsample ? kAny : in_.channels});
    return join(x, stride, downsample);
  }

  std::int64_t inner() const { return inner_; }

 private:
  Flow conv_norm(const std::string& conv, const std::string& norm, Flow from, const ConvSpec& spec) {
    return a_.batch_norm(name_ + "." + norm, a_.conv(name_ + "." + conv, from, spec));
  }

  /// The block calls its one ReLU module several times: each call is a node of its own.
  Flow relu(Flow from) {
    const std::string module = name_ + ".relu";
    const Flow flow = a_.plain(module + "@" + std::to_string(++calls_), op::Relu{}, from);
    a_.alias(module, flow);
    return flow;
  }

  Flow join(Flow x, int stride, bool downsample) {
    Flow shortcut = in_;
    if (downsample) {
      shortcut = conv_norm("downsample.0", "downsample.1", in_,
                           {.kernel = 1, .stride = stride, .padding = 0, .outputs = x.channels});
      a_.alias(name_ + ".downsample", shortcut);
    }
    const Flow out = relu(a_.add(name_ + ".add", x, shortcut));
    a_.alias(name_, out);
    return out;
  }

  Assembler& a_;
  std::string name_;
  Flow in_;
  std::int64_t inner_ = 0;
  int calls_ = 0;
};

/// A shortcut needs a projection where the block changes the size of its input; in torchvision only the first
/// block of a stage has one.
bool has_downsample(const Assembler& a, const std::string& block, Flow in, int stride, bool bottleneck) {
  const Shape last = a.shape(block + (bottleneck ? ".conv3.weight" : ".conv2.weight"));
  const bool widens = !last.empty() && in.channels != kAny && last[0] != in.channels;
  return stride != 1 || widens || a.contains(block + ".downsample.0.weight");
}

Flow build_stage(Assembler& a, int stage, Flow x, const Layout& layout, Widths& widths) {
  const auto s = static_cast<std::size_t>(stage);
  for (int i = 0; i < layout.blocks[s]; ++i) {
    const std::string name = block_name(stage, i);
    const int stride = i == 0 && stage > 0 ? 2 : 1;
    const bool downsample = i == 0 && has_downsample(a, name, x, stride, layout.bottleneck);
    Block block(a, name, x);
    x = layout.bottleneck ? block.bottleneck(stride, downsample, layout.groups)
                          : block.basic(stride, downsample);
    if (i == 0) widths.inner[s] = block.inner();
  }
  a.alias(stage_name(stage), x);
  widths.planes[s] = layout.bottleneck ? x.channels / kExpansion : x.channels;
  return x;
}

/// "18", "34" for basic blocks, "50", "101", "152" for bottlenecks; empty for an unknown depth.
std::string depth_of(const Layout& layout) {
  using Blocks = std::array<int, kStages>;
  static const std::map<Blocks, std::string> basic{{{2, 2, 2, 2}, "18"}, {{3, 4, 6, 3}, "34"}};
  static const std::map<Blocks, std::string> bottleneck{
      {{3, 4, 6, 3}, "50"}, {{3, 4, 23, 3}, "101"}, {{3, 8, 36, 3}, "152"}};
  const auto& known = layout.bottleneck ? bottleneck : basic;
  const auto it = known.find(layout.blocks);
  return it == known.end() ? std::string() : it->second;
}

/// The name from depth, groups and the width of the 3x3 convolutions relative to their stage's planes.
std::string depth_name(const Layout& layout, const Widths& widths) {
  const std::string depth = depth_of(layout);
  const std::int64_t planes = widths.planes[0];
  const std::int64_t inner = widths.inner[0];
  bool even = true;  // every stage has the first stage's ratio
  for (std::size_t s = 0; s < kStages; ++s) even &= widths.inner[s] * planes == inner * widths.planes[s];
  if (depth.empty() || planes <= 0 || !even) return "resnet";
  if (layout.groups == 1) {
    if (inner == planes) return "resnet" + depth;
    return inner % planes == 0 ? "wide_resnet" + depth + "_" + std::to_string(inner / planes) : "resnet";
  }
  const std::int64_t one_wide = planes * layout.groups;  // 64 channels per group in a stage of 64 planes
  if (inner * 64 % one_wide != 0) return "resnet";
  return "resnext" + depth + "_" + std::to_string(layout.groups) + "x" +
         std::to_string(inner * 64 / one_wide) + "d";
}

std::string width_suffix(const Widths& widths) {
  constexpr PerStage standard{64, 128, 256, 512};
  constexpr std::int64_t standard_stem = 64;
  if (widths.stem == standard_stem && widths.planes == standard) return {};
  const auto total = std::accumulate(widths.planes.begin(), widths.planes.end(), widths.stem);
  const auto usual = std::accumulate(standard.begin(), standard.end(), standard_stem);
  return total < usual ? "_thin" : "_wide";
}

}  // namespace

bool matches_resnet(const TensorMap& tensors) {
  return std::ranges::any_of(tensors,
                             [](const auto& tensor) { return index_in(tensor.first, "layer1.") >= 0; });
}

Network build_resnet(Assembler& a) {
  const Layout layout = read_layout(a);
  Widths widths;
  Flow x = a.conv("conv1", a.input(), {.kernel = 7, .stride = 2, .padding = 3});
  widths.stem = x.channels;
  x = a.plain("relu", op::Relu{}, a.batch_norm("bn1", x));
  x = a.plain("maxpool", op::MaxPool2d{.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, x);
  for (int stage = 0; stage < kStages; ++stage) x = build_stage(a, stage, x, layout, widths);
  x = a.plain("avgpool", op::AdaptiveAvgPool2d{}, x);
  Network network;
  std::vector<std::int64_t> linears;
  Head(a, kResnetHeads).build(a, a.plain("flatten", op::Flatten{}, x), linears, network.notes);
  network.graph = a.finish();
  network.depth_name = depth_name(layout, widths);
  network.architecture = network.depth_name;
  if (network.depth_name != "resnet") network.architecture += width_suffix(widths);
  network.default_layer = stage_name(kStages - 1);
  return network;
}

}  // namespace ablaze::models
