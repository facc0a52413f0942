#include "models/families.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <ablaze/error.hpp>

#include "base/text.hpp"

namespace ablaze::models {
namespace {

constexpr std::array<std::string_view, 1> kVggPrefixes{"vgg"};
constexpr std::array<std::string_view, 3> kResnetPrefixes{"resnet", "resnext", "wide_resnet"};

constexpr std::array<std::string_view, 2> kCifarPrefixes{"cifar_resnet", "resnet"};

constexpr std::array<std::string_view, 1> kAlexnetPrefixes{"alexnet"};
constexpr std::array<std::string_view, 1> kSqueezenetPrefixes{"squeezenet"};
constexpr std::array<std::string_view, 1> kMobilenetPrefixes{"mobilenet"};
constexpr std::array<std::string_view, 1> kDensenetPrefixes{"densenet"};
constexpr std::array<std::string_view, 1> kGooglenetPrefixes{"googlenet"};
constexpr std::array<std::string_view, 1> kInceptionPrefixes{"inception"};
constexpr std::array<std::string_view, 1> kMnasnetPrefixes{"mnasnet"};
constexpr std::array<std::string_view, 1> kShufflenetPrefixes{"shufflenet"};
constexpr std::array<std::string_view, 1> kEfficientnetPrefixes{"efficientnet"};
constexpr std::array<std::string_view, 1> kRegnetPrefixes{"regnet"};

// VGG, whose names others have too, is the last.
const std::array<Family, 14> kFamilies{{
    {"cifar_resnet", kCifarPrefixes, matches_cifar_resnet, build_cifar_resnet},
    {"resnet", kResnetPrefixes, matches_resnet, build_resnet},
    {"alexnet", kAlexnetPrefixes, matches_alexnet, build_alexnet},
    {"squeezenet", kSqueezenetPrefixes, matches_squeezenet, build_squeezenet},
    {"mobilenet_v2", kMobilenetPrefixes, matches_mobilenet_v2, build_mobilenet_v2},
    {"mobilenet_v3", kMobilenetPrefixes, matches_mobilenet_v3, build_mobilenet_v3},
    {"densenet", kDensenetPrefixes, matches_densenet, build_densenet},
    {"googlenet", kGooglenetPrefixes, matches_googlenet, build_googlenet},
    {"inception_v3", kInceptionPrefixes, matches_inception, build_inception},
    {"mnasnet", kMnasnetPrefixes, matches_mnasnet, build_mnasnet},
    {"shufflenet_v2", kShufflenetPrefixes, matches_shufflenet, build_shufflenet},
    {"efficientnet", kEfficientnetPrefixes, matches_efficientnet, build_efficientnet},
    {"regnet", kRegnetPrefixes, matches_regnet, build_regnet},
    {"vgg", kVggPrefixes, matches_vgg, build_vgg},
}};

std::string found_names(const TensorMap& tensors) {
  if (tensors.empty()) return "no tensors at all";
  std::vector<std::string> names;
  for (const auto& [name, weight] : tensors) {
    names.push_back(base::printable(name));
    if (names.size() == 3) break;
  }
  if (tensors.size() > names.size()) names.push_back(std::to_string(tensors.size() - names.size()) + " more");
  return base::join(names);
}

}  // namespace

std::span<const Family> families() { return kFamilies; }

const Family& find_family(const TensorMap& tensors, const std::string& file) {
  for (const Family& family : kFamilies) {
    if (family.matches(tensors)) return family;
  }
  std::string message = file + ": found " + found_names(tensors) + ", which is not a supported network";
  std::vector<std::string> known;
  for (const Family& family : kFamilies) known.emplace_back(family.name);
  throw Error(message + "; expected torchvision's names of " + base::join(known, " or ") +
              ", such as layer1.0.conv1.weight or features.0.weight. Other networks: " + export_advice());
}

std::string export_advice() {
  return "export the network to ONNX, which tells all its layers: torch.onnx.export(model.eval(), "
         "torch.zeros(1, 3, 224, 224), 'model.onnx') with its own input size";
}

bool names_network(std::string_view architecture, const Family& family, const Network& network) {
  return architecture == network.architecture || architecture == network.depth_name ||
         architecture == family.name;
}

int index_in(std::string_view name, std::string_view prefix, std::string_view suffix) {
  if (!name.starts_with(prefix)) return -1;
  name.remove_prefix(prefix.size());
  int index = -1;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (failure != std::errc{} || index < 0) return -1;
  const std::string_view digits = name.substr(0, static_cast<std::size_t>(end - name.data()));
  if (digits != std::to_string(index)) return -1;  // "01" and "-0" are not module numbers
  const std::string_view rest = name.substr(digits.size());
  return (suffix.empty() ? rest.starts_with('.') : rest == suffix) ? index : -1;
}

}  // namespace ablaze::models
