// GoogLeNet as in torchvision (Szegedy et al., "Going Deeper with Convolutions", CVPR 2015), whose third
// branch has a 3x3 convolution where the paper has a 5x5 one.

#include <algorithm>
#include <array>
#include <vector>

#include "models/blocks.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

/// The modules in order; a pool is a kernel's side.
struct GoogleModule {
  const char* name;
  int pool;
  std::int64_t width;  ///< torchvision's
};
constexpr std::array<GoogleModule, 11> kGoogleModules{{{"inception3a", 0, 256},
                                                       {"inception3b", 0, 480},
                                                       {"maxpool3", 3, 0},
                                                       {"inception4a", 0, 512},
                                                       {"inception4b", 0, 512},
                                                       {"inception4c", 0, 512},
                                                       {"inception4d", 0, 528},
                                                       {"inception4e", 0, 832},
                                                       {"maxpool4", 2, 0},
                                                       {"inception5a", 0, 832},
                                                       {"inception5b", 0, 1024}}};

Flow point_conv(Assembler& a, const std::string& name, Flow from) {
  return basic_conv(a, name, from, {.kernel = 1, .padding = 0});
}

Flow halving_pool(Assembler& a, const std::string& name, int side, Flow x) {
  return a.plain(name, op::MaxPool2d{.kernel = {side, side}, .stride = {2, 2}, .ceil_mode = true}, x);
}

Flow inception(Assembler& a, const std::string& name, Flow x) {
  const auto branch = [&](int number) { return name + ".branch" + std::to_string(number); };
  std::vector<Flow> parts{point_conv(a, branch(1), x)};
  for (const int number : {2, 3}) {
    const Flow narrow = point_conv(a, branch(number) + ".0", x);
    parts.push_back(basic_conv(a, branch(number) + ".1", narrow, {}));
    a.alias(branch(number), parts.back());
  }
  const op::MaxPool2d pool{.kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1}, .ceil_mode = true};
  parts.push_back(point_conv(a, branch(4) + ".1", a.plain(branch(4) + ".0", pool, x)));
  a.alias(branch(4), parts.back());
  return a.concat(name, parts);
}

}  // namespace

bool matches_googlenet(const TensorMap& tensors) {
  return std::ranges::any_of(tensors, [](const auto& tensor) {
    return tensor.first.starts_with("inception3a.") || tensor.first.starts_with("inception4a.") ||
           tensor.first.starts_with("inception5b.");
  });
}

Network build_googlenet(Assembler& a) {
  Flow x = basic_conv(a, "conv1", a.input(), {.kernel = 7, .stride = 2, .padding = 3});
  std::int64_t total = x.channels, standard = 64 + 64 + 192;
  x = halving_pool(a, "maxpool1", 3, x);
  x = point_conv(a, "conv2", x);
  total += x.channels;
  x = basic_conv(a, "conv3", x, {});
  total += x.channels;
  x = halving_pool(a, "maxpool2", 3, x);
  for (const GoogleModule& part : kGoogleModules) {
    if (part.pool > 0) {
      x = halving_pool(a, part.name, part.pool, x);
      continue;
    }
    x = inception(a, part.name, x);
    total += x.channels;
    standard += part.width;
  }
  x = a.plain("dropout", op::Identity{}, global_average(a, x));
  a.linear("fc", x);
  Network network;
  leave_out_auxiliary_heads(a, {"aux1", "aux2"}, network);
  assume_transformed_input(network);
  network.graph = a.finish();
  network.depth_name = "googlenet";
  network.architecture = network.depth_name + width_suffix_of(total, standard);
  network.default_layer = "inception5b";
  return network;
}

}  // namespace ablaze::models
