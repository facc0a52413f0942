// RegNet-X and -Y as in torchvision (Radosavovic et al., "Designing Network Design Spaces", CVPR 2020).
// Depths, widths and groups are read from the tensors; every stage halves its input.

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

constexpr int kMostRegStages = 16;

struct RegVariant {
  std::string_view name;
  std::vector<int> depths;
  std::vector<std::int64_t> widths;
  std::int64_t group_width;  ///< of the last stage
};

const std::vector<RegVariant>& reg_variants() {
  static const std::vector<RegVariant> all{
      {"x_400mf", {1, 2, 7, 12}, {32, 64, 160, 400}, 16},
      {"x_800mf", {1, 3, 7, 5}, {64, 128, 288, 672}, 16},
      {"x_1_6gf", {2, 4, 10, 2}, {72, 168, 408, 912}, 24},
      {"x_3_2gf", {2, 6, 15, 2}, {96, 192, 432, 1008}, 48},
      {"x_8gf", {2, 5, 15, 1}, {80, 240, 720, 1920}, 120},
      {"x_16gf", {2, 6, 13, 1}, {256, 512, 896, 2048}, 128},
      {"x_32gf", {2, 7, 13, 1}, {336, 672, 1344, 2520}, 168},
      {"y_400mf", {1, 3, 6, 6}, {48, 104, 208, 440}, 8},
      {"y_800mf", {1, 3, 8, 2}, {64, 144, 320, 784}, 16},
      {"y_1_6gf", {2, 6, 17, 2}, {48, 120, 336, 888}, 24},
      {"y_3_2gf", {2, 5, 13, 1}, {72, 216, 576, 1512}, 24},
      {"y_8gf", {2, 4, 10, 1}, {224, 448, 896, 2016}, 56},
      {"y_16gf", {2, 4, 11, 1}, {224, 448, 1232, 3024}, 112},
      {"y_32gf", {2, 5, 12, 1}, {232, 696, 1392, 3712}, 232},
      {"y_128gf", {2, 7, 17, 1}, {528, 1056, 2904, 7392}, 264},
  };
  return all;
}

std::string reg_stage(int stage) { return "trunk_output.block" + std::to_string(stage); }
std::string reg_block(int stage) { return reg_stage(stage) + ".block" + std::to_string(stage) + "-"; }

/// Groups of a 3x3 convolution of `channels`; 1 where the shapes do not determine them.
int reg_groups(const Assembler& a, const std::string& conv, std::int64_t channels) {
  const Shape shape = a.shape(conv + ".weight");
  if (shape.size() != 4 || shape[1] <= 0 || channels == kAny || channels % shape[1] != 0) return 1;
  const std::int64_t groups = channels / shape[1];
  return groups <= 1'000'000 ? static_cast<int>(groups) : 1;
}

Flow build_reg_block(Assembler& a, const std::string& name, Flow in, int stride, bool squeezes) {
  const bool projects = a.contains(name + ".proj.0.weight") || stride != 1;
  const std::string f = name + ".f";
  Flow x = normed_conv(a, f + ".a", in, {.kernel = 1, .activation = op::Relu{}});
  x = normed_conv(a, f + ".b", x,
                  {.stride = stride,
                   .groups = reg_groups(a, f + ".b.0", x.channels),
                   .outputs = x.channels,
                   .activation = op::Relu{}});
  if (squeezes) x = squeeze_excitation(a, f + ".se", x, op::Relu{}, op::Curve{op::Curve::Kind::sigmoid});
  x = normed_conv(a, f + ".c", x, {.kernel = 1, .outputs = projects ? kAny : in.channels});
  a.alias(f, x);
  const Flow shortcut =
      projects ? normed_conv(a, name + ".proj", in, {.kernel = 1, .stride = stride, .outputs = x.channels})
               : in;
  const Flow out = a.plain(name + ".activation", op::Relu{}, a.add(name + ".add", shortcut, x));
  a.alias(name, out);
  return out;
}

}  // namespace

bool matches_regnet(const TensorMap& tensors) {
  return std::ranges::any_of(
      tensors, [](const auto& tensor) { return index_in(tensor.first, "trunk_output.block") >= 0; });
}

Network build_regnet(Assembler& a) {
  const int stages = count_modules(a, "trunk_output.block", kMostRegStages) - 1;  // counted from 1
  const bool squeezes = std::ranges::any_of(
      a.tensors(), [](const auto& tensor) { return tensor.first.find(".f.se.") != std::string::npos; });
  Flow x = normed_conv(a, "stem", a.input(), {.stride = 2, .activation = op::Relu{}});
  RegVariant found{squeezes ? "y" : "x", {}, {}, 0};
  for (int stage = 1; stage <= stages; ++stage) {
    const int blocks = count_modules(a, reg_block(stage));
    for (int block = 0; block < blocks; ++block)
      x = build_reg_block(a, reg_block(stage) + std::to_string(block), x, block == 0 ? 2 : 1, squeezes);
    a.alias(reg_stage(stage), x);
    found.depths.push_back(blocks);
    found.widths.push_back(x.channels);
  }
  a.alias("trunk_output", x);
  const Shape grouped = a.shape(reg_block(stages) + "0.f.b.0.weight");
  found.group_width = grouped.size() == 4 ? grouped[1] : 0;
  a.linear("fc", global_average(a, x));

  Network network;
  network.graph = a.finish();
  network.depth_name = network.architecture = "regnet_" + std::string(found.name);
  const auto& known = reg_variants();
  const auto variant = std::ranges::find_if(known, [&](const RegVariant& v) {
    return v.name.starts_with(found.name) && v.depths == found.depths && v.widths == found.widths &&
           v.group_width == found.group_width;
  });
  if (variant != known.end())
    network.depth_name = network.architecture = "regnet_" + std::string(variant->name);
  network.default_layer = reg_stage(stages);
  return network;
}

}  // namespace ablaze::models
