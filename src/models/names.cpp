#include "models/names.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "base/text.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

// ---- networks with names of their own ----------------------------------------------------------------

/// Translates another program's name to torchvision's; nothing where there is no counterpart.
using Translation = std::optional<std::string> (*)(const std::string& name);

std::optional<std::string> with_start(const std::string& name, std::string_view from, std::string_view to) {
  if (!name.starts_with(from)) return std::nullopt;
  return std::string(to) + name.substr(from.size());
}

/// timm keeps torchvision's features; its hidden layers are convolutions.
std::optional<std::string> from_timm_vgg(const std::string& name) {
  static constexpr std::array<std::array<std::string_view, 2>, 3> heads{{{"pre_logits.fc1.", "classifier.0."},
                                                                         {"pre_logits.fc2.", "classifier.3."},
                                                                         {"head.fc.", "classifier.6."}}};
  for (const auto& [from, to] : heads) {
    if (auto translated = with_start(name, from, to)) return translated;
  }
  return name;
}

/// Hugging Face's modules of a convolution and its BatchNorm.
std::optional<std::string> conv_norm(const std::string& rest, const std::string& conv,
                                     const std::string& norm) {
  if (auto name = with_start(rest, "convolution.", conv + ".")) return name;
  return with_start(rest, "normalization.", norm + ".");
}

/// Removes "TEXT N." from the start of `rest` and returns N; otherwise returns -1 and leaves `rest`
/// unchanged.
int take_index(std::string& rest, std::string_view text) {
  const int index = index_in(rest, text);
  if (index >= 0) rest.erase(0, text.size() + std::to_string(index).size() + 1);
  return index;
}

/// resnet.encoder.stages.0.layers.1.layer.2.convolution.weight -> layer1.1.conv3.weight
std::optional<std::string> from_hugging_face_resnet(const std::string& name) {
  if (auto head = with_start(name, "classifier.1.", "fc.")) return head;
  if (auto stem = with_start(name, "resnet.embedder.embedder.", "")) return conv_norm(*stem, "conv1", "bn1");
  auto rest = with_start(name, "resnet.encoder.", "");
  if (!rest) return std::nullopt;
  const int stage = take_index(*rest, "stages."), block = take_index(*rest, "layers.");
  if (stage < 0 || block < 0) return std::nullopt;
  const std::string prefix = "layer" + std::to_string(stage + 1) + "." + std::to_string(block) + ".";
  if (auto shortcut = with_start(*rest, "shortcut.", ""))
    return conv_norm(*shortcut, prefix + "downsample.0", prefix + "downsample.1");
  const int layer = take_index(*rest, "layer.");
  if (layer < 0) return std::nullopt;
  const std::string number = std::to_string(layer + 1);
  return conv_norm(*rest, prefix + "conv" + number, prefix + "bn" + number);
}

/// features.denseblock1.denselayer1.norm.1.weight -> features.denseblock1.denselayer1.norm1.weight, as
/// torchvision itself does: its published files have the names of PyTorch 0.3.
std::optional<std::string> from_early_densenet(const std::string& name) {
  if (name.find(".denselayer") == std::string::npos) return name;
  std::string own = name;
  for (const char* part : {".norm.", ".relu.", ".conv."}) {
    const std::size_t at = own.find(part);
    if (at != std::string::npos) own.erase(at + std::string_view(part).size() - 1, 1);
  }
  return own;
}

/// A program with other names for a known network.
struct Dialect {
  std::string_view program;
  std::string_view mark;  ///< a tensor that identifies its networks
  Translation translate;
};

constexpr std::array<Dialect, 3> kDialects{
    {{"an early torchvision's DenseNet", "features.denseblock1.denselayer1.norm.1.weight",
      from_early_densenet},
     {"timm's VGG", "pre_logits.fc1.weight", from_timm_vgg},
     {"Hugging Face's ResNet", "resnet.embedder.embedder.convolution.weight", from_hugging_face_resnet}}};

const Dialect* dialect_of(const TensorMap& tensors) {
  const auto found = std::ranges::find_if(
      kDialects, [&](const Dialect& dialect) { return tensors.contains(std::string(dialect.mark)); });
  return found == kDialects.end() ? nullptr : &*found;
}

/// Converts a linear layer's weight stored as that of a convolution over its whole input.
Weight as_linear(const std::string& name, const Weight& weight) {
  const Shape& shape = weight.shape();
  if (!name.starts_with("classifier.") || shape.size() != 4) return weight;
  return {weight.dtype(), {shape[0], shape[1] * shape[2] * shape[3]}, weight.bytes(), weight.owner()};
}

TensorMap translated(const TensorMap& tensors, const Dialect& dialect) {
  TensorMap result;
  for (const auto& [name, weight] : tensors) {
    const std::string own = dialect.translate(name).value_or(name);
    result.emplace(own, as_linear(own, weight));
  }
  return result;
}

// ---- networks inside others --------------------------------------------------------------------------

bool is_network(const TensorMap& tensors) {
  return dialect_of(tensors) != nullptr ||
         std::ranges::any_of(families(), [&](const Family& family) { return family.matches(tensors); });
}

std::string first_part(const std::string& name) { return name.substr(0, name.find('.') + 1); }

/// The removable prefix: common to all names, or else a usual wrapper's. Empty: none.
std::string wrapper_of(const TensorMap& tensors) {
  std::set<std::string> starts;
  for (const auto& [name, weight] : tensors) starts.insert(first_part(name));
  if (starts.size() == 1) return *starts.begin();
  for (const char* usual : {"module.", "model.", "net.", "network.", "backbone.", "encoder.", "_orig_mod."}) {
    if (starts.contains(usual)) return usual;
  }
  return {};
}

/// The head may be outside the body's module: "backbone.layer1...", "head.fc.weight".
std::optional<std::string> separate_head(const std::string& name) {
  if (name.starts_with("fc.") || name.starts_with("classifier.")) return name;
  return with_start(name, "head.fc.", "fc.");
}

struct Unwrapped {
  TensorMap tensors;
  std::size_t left_out = 0;
};

Unwrapped unwrap(const TensorMap& tensors, const std::string& wrapper) {
  Unwrapped inner;
  for (const auto& [name, weight] : tensors) {
    if (const auto own = with_start(name, wrapper, "")) {
      inner.tensors.emplace(*own, weight);
    }
  }
  for (const auto& [name, weight] : tensors) {
    if (name.starts_with(wrapper)) continue;
    const auto own = separate_head(name);
    if (!own || !inner.tensors.emplace(*own, weight).second) ++inner.left_out;
  }
  return inner;
}

TensorMap without_wrappers(const TensorMap& tensors, std::vector<std::string>& notes) {
  constexpr int deepest = 4;  // "model.module.backbone.": no wrapper is deeper
  TensorMap inner = tensors;
  std::string removed;
  std::size_t left_out = 0;
  for (int depth = 0; depth < deepest && !is_network(inner); ++depth) {
    const std::string wrapper = wrapper_of(inner);
    if (wrapper.empty()) break;
    Unwrapped next = unwrap(inner, wrapper);
    inner = std::move(next.tensors);
    removed += wrapper;
    left_out += next.left_out;
  }
  if (removed.empty() || !is_network(inner)) return tensors;
  std::string note = "removed the prefix \"" + base::printable(removed) + "\" from the tensors' names";
  if (left_out > 0) note += "; ignored " + std::to_string(left_out) + " tensors without it";
  notes.push_back(std::move(note));
  return inner;
}

}  // namespace

TensorMap torchvision_names(const TensorMap& tensors, std::vector<std::string>& notes) {
  TensorMap own = without_wrappers(tensors, notes);
  const Dialect* dialect = dialect_of(own);
  if (dialect == nullptr) return own;
  notes.push_back("translated the names of " + std::string(dialect->program) + " to torchvision's");
  return translated(own, *dialect);
}

}  // namespace ablaze::models
