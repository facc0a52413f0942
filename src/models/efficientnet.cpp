// EfficientNet (Tan and Le, ICML 2019) and EfficientNetV2 (Tan and Le, ICML 2021) as in torchvision. The
// strides of the stages are those of all its variants; BatchNorm's epsilon follows from the variant.

#include <algorithm>
#include <array>
#include <vector>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

constexpr std::array<int, 7> kEfficientStrides{1, 2, 2, 2, 1, 2, 1};
constexpr std::array<int, 7> kEfficientKernels{3, 3, 5, 3,
                                               5, 5, 3};  ///< of the first edition; V2 has only 3x3

/// torchvision's variants.
struct EfficientVariant {
  const char* name;
  std::vector<int> blocks;
  std::vector<std::int64_t> widths;  ///< of the stem and the stages
  double epsilon;
  Preprocess preprocess;  ///< of its first weights
};

const std::vector<EfficientVariant>& efficient_variants() {
  constexpr auto cubic = Interpolation::bicubic;
  constexpr std::array<float, 3> half{0.5F, 0.5F, 0.5F};
  static const std::vector<EfficientVariant> all{
      {"b0", {1, 2, 2, 3, 3, 4, 1}, {32, 16, 24, 40, 80, 112, 192, 320}, 1e-5, {256, 224, cubic}},
      {"b1", {2, 3, 3, 4, 4, 5, 2}, {32, 16, 24, 40, 80, 112, 192, 320}, 1e-5, {256, 240, cubic}},
      {"b2", {2, 3, 3, 4, 4, 5, 2}, {32, 16, 24, 48, 88, 120, 208, 352}, 1e-5, {288, 288, cubic}},
      {"b3", {2, 3, 3, 5, 5, 6, 2}, {40, 24, 32, 48, 96, 136, 232, 384}, 1e-5, {320, 300, cubic}},
      {"b4", {2, 4, 4, 6, 6, 8, 2}, {48, 24, 32, 56, 112, 160, 272, 448}, 1e-5, {384, 380, cubic}},
      {"b5", {3, 5, 5, 7, 7, 9, 3}, {48, 24, 40, 64, 128, 176, 304, 512}, 1e-3, {456, 456, cubic}},
      {"b6", {3, 6, 6, 8, 8, 11, 3}, {56, 32, 40, 72, 144, 200, 344, 576}, 1e-3, {528, 528, cubic}},
      {"b7", {4, 7, 7, 10, 10, 13, 4}, {64, 32, 48, 80, 160, 224, 384, 640}, 1e-3, {600, 600, cubic}},
      {"v2_s", {2, 4, 4, 6, 9, 15}, {24, 24, 48, 64, 128, 160, 256}, 1e-3, {384, 384}},
      {"v2_m", {3, 5, 5, 7, 14, 18, 5}, {24, 24, 48, 80, 160, 176, 304, 512}, 1e-3, {480, 480}},
      {"v2_l",
       {4, 7, 7, 10, 19, 25, 7},
       {32, 32, 64, 96, 192, 224, 384, 640},
       1e-3,
       {480, 480, cubic, half, half}},
  };
  return all;
}

/// What the tensors tell before the network is built.
struct EfficientLayout {
  std::vector<int> blocks;
  std::vector<std::int64_t> widths;
  bool second_edition = false;  ///< with fused blocks
};

std::string efficient_name(int stage, int block) {
  return "features." + std::to_string(stage) + "." + std::to_string(block) + ".block";
}

/// A fused block has one module or two; others have at least the depthwise convolution, the
/// squeeze-excitation and the narrowing convolution.
bool is_fused(const Assembler& a, const std::string& block) {
  return highest_index(a.tensors(), block + ".") < 2;
}

EfficientLayout read_efficient_layout(const Assembler& a) {
  const int last = highest_index(a.tensors(), "features.");
  const int stages = last - 1;
  if (stages != 6 && stages != 7) {
    unknown_arrangement(a, "EfficientNet", "features.0 to features." + std::to_string(last),
                        "features.0 to features.7 or features.8");
  }
  EfficientLayout layout;
  const auto width = [&](const std::string& name) {
    const Shape shape = a.shape(name + ".weight");
    layout.widths.push_back(shape.empty() ? kAny : shape[0]);
  };
  width("features.0.0");
  for (int stage = 1; stage <= stages; ++stage) {
    layout.blocks.push_back(count_modules(a, "features." + std::to_string(stage) + "."));
    const std::string first = efficient_name(stage, 0) + ".";
    width(first + std::to_string(highest_index(a.tensors(), first)) + ".0");
  }
  layout.second_edition = is_fused(a, efficient_name(1, 0));
  return layout;
}

Op silu() { return op::Curve{op::Curve::Kind::silu}; }

Flow efficient_block(Assembler& a, const std::string& module, Flow in, NormedConv conv, bool first) {
  const std::string block = module + ".block";
  const int last = highest_index(a.tensors(), block + ".");
  const std::int64_t outputs = first ? kAny : in.channels;
  const NormedConv point{.kernel = 1, .epsilon = conv.epsilon};
  conv.activation = silu();
  int child = 0;
  const auto next = [&] { return block + "." + std::to_string(child++); };
  Flow x = in;
  const bool fused = is_fused(a, block);
  if (fused) {
    if (last == 0) conv.outputs = outputs;
    x = normed_conv(a, next(), x, conv);
  } else {
    NormedConv widening = point;
    widening.activation = silu();
    if (last >= 3) x = normed_conv(a, next(), x, widening);
    conv.depthwise = true;
    x = normed_conv(a, next(), x, conv);
    x = squeeze_excitation(a, next(), x, silu(), op::Curve{op::Curve::Kind::sigmoid});
  }
  if (!fused || last > 0) {
    NormedConv narrowing = point;
    narrowing.outputs = outputs;
    x = normed_conv(a, next(), x, narrowing);
  }
  a.alias(block, x);
  if (conv.stride != 1 || x.channels != in.channels) {
    a.alias(module, x);
    return x;
  }
  a.alias(module + ".stochastic_depth", x);
  return a.add(module, x, in);
}

}  // namespace

bool matches_efficientnet(const TensorMap& tensors) {
  return std::ranges::any_of(tensors, [](const auto& tensor) {
    const int stage = index_in(tensor.first, "features.");
    if (stage < 0) return false;
    const std::string prefix = "features." + std::to_string(stage) + ".";
    const std::string block = prefix + std::to_string(index_in(tensor.first, prefix)) + ".block.";
    const int child = index_in(tensor.first, block);  // a ConvNeXt's are layers, not containers
    return child >= 0 && tensor.first.starts_with(block + std::to_string(child) + ".0.");
  });
}

Network build_efficientnet(Assembler& a) {
  const EfficientLayout layout = read_efficient_layout(a);
  Network network;
  network.depth_name = network.architecture = "efficientnet";
  double epsilon = layout.second_edition ? 1e-3 : 1e-5;
  const auto& known = efficient_variants();
  const auto variant = std::ranges::find_if(
      known, [&](const auto& v) { return v.blocks == layout.blocks && v.widths == layout.widths; });
  if (variant != known.end()) {
    epsilon = variant->epsilon;
    network.preprocess = variant->preprocess;
    network.depth_name = network.architecture = std::string("efficientnet_") + variant->name;
  } else {
    network.notes.push_back("assumed BatchNorm's epsilon " +
                            std::string(layout.second_edition ? "0.001" : "0.00001") +
                            ", which the tensors do not tell: the depths and widths are of no variant of "
                            "torchvision's EfficientNet");
  }

  Flow x = normed_conv(a, "features.0", a.input(), {.stride = 2, .epsilon = epsilon, .activation = silu()});
  const int stages = static_cast<int>(layout.blocks.size());
  for (int stage = 1; stage <= stages; ++stage) {
    const std::string name = "features." + std::to_string(stage);
    const auto s = static_cast<std::size_t>(stage - 1);
    for (int block = 0; block < layout.blocks[s]; ++block) {
      const bool first = block == 0;
      const NormedConv conv{.kernel = layout.second_edition ? 3 : kEfficientKernels[s],
                            .stride = first ? kEfficientStrides[s] : 1,
                            .epsilon = epsilon};
      x = efficient_block(a, name + "." + std::to_string(block), x, conv, first);
    }
    a.alias(name, x);
  }
  network.default_layer = "features." + std::to_string(stages + 1);
  x = normed_conv(a, network.default_layer, x, {.kernel = 1, .epsilon = epsilon, .activation = silu()});
  a.alias("features", x);
  dropout_and_linear(a, "classifier", global_average(a, x));
  network.graph = a.finish();
  return network;
}

}  // namespace ablaze::models
