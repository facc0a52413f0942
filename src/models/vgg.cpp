// VGG as in torchvision (Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
// Recognition", ICLR 2015), with and without BatchNorm. Layers without weights have no tensors: gaps in the
// module numbers show their positions.

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string_view>

#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "models/families.hpp"
#include "models/head.hpp"

namespace ablaze::models {
namespace {

constexpr std::int64_t kPoolSide = 7;
constexpr std::int64_t kMostPoolSide = 65536;
constexpr int kStages = 5;
constexpr std::array<std::string_view, 4> kVggHeads{"classifier", "fc", "linear", "head"};

std::string feature(int index) { return "features." + std::to_string(index); }

/// Positions of the convolutions, and whether BatchNorm and a pool follow each.
struct Layout {
  std::vector<int> convs;
  std::vector<bool> pools;
  bool batch_norm = false;
};

bool is_norm(const Assembler& a, int index) {
  const std::string name = feature(index);
  return a.contains(name + ".running_mean") || a.contains(name + ".running_var") ||
         a.shape(name + ".weight").size() == 1;
}

/// The module numbers of all tensors "PREFIX.N.anything"; always includes 0, so that a missing one is
/// reported.
std::vector<int> numbers(const TensorMap& tensors, std::string_view prefix) {
  std::set<int> found{0};
  for (const auto& [name, weight] : tensors) {
    if (const int index = index_in(name, prefix); index >= 0) found.insert(index);
  }
  return {found.begin(), found.end()};
}

[[noreturn]] void wrong_gap(const Assembler& a, const std::string& from, const std::string& to,
                            const std::string& expected) {
  throw Error(a.file() + ": from " + from + " to " + to +
              " there is no index left for the layers of a VGG between them (" + expected +
              "); a tensor between them is missing, or it is another network with some of the same names. If "
              "PyTorch opens it: " +
              export_advice());
}

Layout read_layout(const Assembler& a) {
  Layout layout;
  for (const int index : numbers(a.tensors(), "features.")) {
    if (is_norm(a, index)) {
      layout.batch_norm = true;
    } else {
      layout.convs.push_back(index);
    }
  }
  const int step = layout.batch_norm ? 3 : 2;
  for (std::size_t i = 0; i + 1 < layout.convs.size(); ++i) {
    const int gap = layout.convs[i + 1] - layout.convs[i];
    if (gap != step && gap != step + 1) {
      wrong_gap(a, feature(layout.convs[i]), feature(layout.convs[i + 1]),
                layout.batch_norm ? "BatchNorm, ReLU and optionally a pool" : "ReLU and optionally a pool");
    }
    layout.pools.push_back(gap == step + 1);
  }
  layout.pools.push_back(true);  // the last pool leaves no gap, but every VGG has it
  return layout;
}

/// The widths that determine the architecture's name.
struct Widths {
  std::vector<std::int64_t> convs;
  std::int64_t pool_side = kPoolSide;
  std::vector<std::int64_t> hidden;  ///< of the linear layers except the last
};

Flow build_features(Assembler& a, Flow x, const Layout& layout, Widths& widths, std::string& last_relu) {
  for (std::size_t i = 0; i < layout.convs.size(); ++i) {
    int index = layout.convs[i];
    x = a.conv(feature(index), x, {.kernel = 3, .padding = 1, .bias = true});
    widths.convs.push_back(x.channels);
    if (layout.batch_norm) x = a.batch_norm(feature(++index), x);
    last_relu = feature(++index);
    x = a.plain(last_relu, op::Relu{}, x);
    if (layout.pools[i]) x = a.plain(feature(++index), op::MaxPool2d{}, x);
  }
  a.alias("features", x);
  return x;
}

/// The side of the map that the head takes, from the first linear layer's inputs; torchvision's 7 where these
/// are no square map of the channels (the check of that layer's shape then reports it).
std::int64_t map_side(std::int64_t inputs, std::int64_t channels) {
  if (inputs == kAny || channels == kAny) return kPoolSide;
  const std::int64_t area = inputs / channels;
  const auto side = std::llround(std::sqrt(static_cast<double>(area)));
  return side > 0 && side * side * channels == inputs ? side : kPoolSide;
}

/// The side of the photos after whose pools a map of `side` pixels remains; 0 beyond what photos have.
int photo_side(const Layout& layout, std::int64_t side) {
  constexpr std::int64_t most = 4096;
  for (const bool pool : layout.pools) {
    if (pool) side *= 2;
    if (side > most) return 0;
  }
  return static_cast<int>(side);
}

/// From the features to the head's rows. torchvision averages to 7 x 7 pixels. Another side is a network for
/// other photos; the tensors do not tell whether it averages.
Flow join(Assembler& a, Flow x, const Layout& layout, const Head& head, std::int64_t side, Network& network) {
  const int photos = photo_side(layout, side);
  const std::string size = std::to_string(photos) + " x " + std::to_string(photos);
  const std::string features = std::to_string(x.channels) + " channels after " +
                               std::to_string(std::ranges::count(layout.pools, true)) + " pools";
  if (side == kPoolSide || photos == 0) {
    const int pool = static_cast<int>(std::min<std::int64_t>(side, kMostPoolSide));
    x = a.plain("avgpool", op::AdaptiveAvgPool2d{{pool, pool}}, x);
  } else if (side == 1 && head.depth() == 1 && head.starts_late()) {
    x = a.plain("avgpool", op::AdaptiveAvgPool2d{}, x);
    network.notes.push_back(
        "the head takes one pixel of the " + features + ": photos of " + size +
        " are assumed. If the network averages its map (AdaptiveAvgPool2d(1)), give the size "
        "that it was trained on (--size, or --crop when converting)");
  } else {
    network.notes.push_back("the head takes " + std::to_string(side) + " x " + std::to_string(side) +
                            " pixels of the " + features +
                            ": a network without an average pool, for photos of " + size +
                            " only, is assumed. If it averages its map: " + export_advice());
  }
  if (side != kPoolSide && photos != 0) network.preprocess.resize = network.preprocess.crop = photos;
  x = a.plain("flatten", op::Flatten{}, x);
  x.channels *= side * side;
  return x;
}

/// Convolutions between the pools.
std::vector<int> stage_depths(const Layout& layout) {
  std::vector<int> depths{0};
  for (std::size_t i = 0; i < layout.pools.size(); ++i) {
    ++depths.back();
    if (layout.pools[i] && i + 1 < layout.pools.size()) depths.push_back(0);
  }
  return depths;
}

/// "vgg16_bn"; "vgg" for an unknown depth.
std::string depth_name(const Layout& layout) {
  static const std::map<std::vector<int>, std::string> known{{{1, 1, 2, 2, 2}, "vgg11"},
                                                             {{2, 2, 2, 2, 2}, "vgg13"},
                                                             {{2, 2, 3, 3, 3}, "vgg16"},
                                                             {{2, 2, 4, 4, 4}, "vgg19"}};
  const auto it = known.find(stage_depths(layout));
  if (it == known.end()) return "vgg";
  return it->second + (layout.batch_norm ? "_bn" : "");
}

Widths standard_widths(const Layout& layout) {
  constexpr std::array<std::int64_t, kStages> channels{64, 128, 256, 512, 512};
  Widths widths;
  std::size_t stage = 0;
  for (const bool pool : layout.pools) {
    widths.convs.push_back(channels.at(stage));
    if (pool) ++stage;
  }
  widths.hidden = {4096, 4096};
  return widths;
}

std::int64_t total(const Widths& widths) {
  const auto convs = std::accumulate(widths.convs.begin(), widths.convs.end(), widths.pool_side);
  return std::accumulate(widths.hidden.begin(), widths.hidden.end(), convs);
}

std::string width_suffix(const Widths& widths, const Widths& standard) {
  if (widths.convs == standard.convs && widths.hidden == standard.hidden && widths.pool_side == kPoolSide)
    return {};
  return total(widths) < total(standard) ? "_thin" : "_wide";
}

}  // namespace

bool matches_vgg(const TensorMap& tensors) {
  const auto is_feature = [](const auto& tensor) {
    return index_in(tensor.first, "features.", ".weight") >= 0 ||
           index_in(tensor.first, "features.", ".bias") >= 0;
  };
  return std::ranges::any_of(tensors, is_feature);
}

Network build_vgg(Assembler& a) {
  const Layout layout = read_layout(a);
  Widths widths;
  Network network;
  Flow x = build_features(a, a.input(), layout, widths, network.default_layer);
  const Head head(a, kVggHeads);
  widths.pool_side = map_side(head.inputs(), x.channels);
  x = join(a, x, layout, head, widths.pool_side, network);
  head.build(a, x, widths.hidden, network.notes);
  widths.hidden.pop_back();  // the classes

  network.graph = a.finish();
  network.depth_name = depth_name(layout);
  network.architecture = network.depth_name;
  if (network.depth_name != "vgg") network.architecture += width_suffix(widths, standard_widths(layout));
  return network;
}

}  // namespace ablaze::models
