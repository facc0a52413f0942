#include "models/names.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "formats/pytorch/state_dict.hpp"
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

TensorMap inside(const TensorMap& tensors, const std::string& prefix) {
  TensorMap inner;
  for (auto it = tensors.lower_bound(prefix); it != tensors.end() && it->first.starts_with(prefix); ++it)
    inner.emplace(it->first.substr(prefix.size()), it->second);
  return inner;
}

/// Finds the prefixes under which the names of a known network lie: "module.", "student.backbone.".
void find_networks(const TensorMap& tensors, const std::string& prefix, std::vector<std::string>& found) {
  constexpr auto deepest = 4;  // "model.module.backbone.": no wrapper is deeper
  if (is_network(tensors)) return found.push_back(prefix);
  if (std::ranges::count(prefix, '.') >= deepest) return;
  std::set<std::string> starts;
  for (const auto& [name, weight] : tensors) starts.insert(first_part(name));
  constexpr std::size_t most = 64;  // wrapped parts; a network of many modules is no wrapper
  if (starts.size() > most) return;
  for (const std::string& start : starts)
    if (!start.empty()) find_networks(inside(tensors, start), prefix + start, found);
}

std::string listed(std::vector<std::string> prefixes) {
  for (std::string& prefix : prefixes) prefix = "\"" + base::printable(prefix) + "\"";
  return base::join(prefixes);
}

/// The network's prefix; empty where there is none. Losses have networks of their own, and averages of the
/// weights are as large as the weights.
std::string choose_network(std::vector<std::string> found, const std::string& file,
                           std::vector<std::string>& notes) {
  const auto drop = [&](bool (*marked)(std::string_view)) {
    std::vector<std::string> rest, others;
    for (const std::string& prefix : found) (marked(prefix) ? others : rest).push_back(prefix);
    if (rest.empty() || others.empty()) return;
    notes.push_back("left out the network under " + listed(others));
    found = rest;
  };
  drop(formats::is_training_state);
  if (found.size() > 1) drop(formats::is_average);
  if (found.empty()) return {};
  if (found.size() == 1) return found.front();
  throw Error(file + ": the tensors' names hold several networks, under " + listed(found) +
              "; choose one with --under KEY (LoadOptions::under)");
}

/// The head may be outside the body's module: "backbone.layer1...", "head.fc.weight".
std::optional<std::string> separate_head(const std::string& name) {
  if (auto head = with_start(name, "head.fc.", "fc.")) return head;
  for (const std::string_view head : {"fc.", "classifier.", "head.", "linear.", "last_linear."}) {
    if (name.starts_with(head)) return name;
  }
  return std::nullopt;
}

TensorMap without_wrappers(const TensorMap& tensors, const std::string& file,
                           std::vector<std::string>& notes) {
  if (is_network(tensors)) return tensors;
  std::vector<std::string> found;
  find_networks(tensors, {}, found);
  const std::string prefix = choose_network(std::move(found), file, notes);
  if (prefix.empty()) return tensors;
  TensorMap inner = inside(tensors, prefix);
  const bool has_head =
      std::ranges::any_of(inner, [](const auto& tensor) { return separate_head(tensor.first).has_value(); });
  std::size_t left_out = 0;
  std::set<std::string> parts;
  for (const auto& [name, weight] : tensors) {
    if (name.starts_with(prefix)) continue;
    // Beside the body, or outside of all wrappers.
    std::string own = name;
    for (std::string outer = prefix; !outer.empty();) {
      outer.pop_back();
      const std::size_t dot = outer.rfind('.');
      outer.resize(dot == std::string::npos ? 0 : dot + 1);
      if (!name.starts_with(outer)) continue;
      own = name.substr(outer.size());
      break;
    }
    const auto head = has_head ? std::nullopt : separate_head(own);
    if (head && inner.emplace(*head, weight).second) continue;
    ++left_out;
    parts.insert(first_part(name).empty() ? name : first_part(name));
  }
  std::string note = "removed the prefix \"" + base::printable(prefix) + "\" from the tensors' names";
  if (left_out > 0) {
    constexpr std::size_t few = 4;
    std::vector<std::string> shown(parts.begin(), std::next(parts.begin(), std::min(few, parts.size())));
    if (parts.size() > few) shown.emplace_back("...");
    note += "; ignored " + std::to_string(left_out) + (left_out == 1 ? " tensor" : " tensors") +
            " without it, of " + listed(shown);
  }
  notes.push_back(std::move(note));
  return inner;
}

}  // namespace

TensorMap tensors_under(const formats::TensorFile& content, const std::string& file,
                        std::vector<std::string>& notes) {
  if (content.under.empty()) return content.tensors;
  const std::string prefix = content.under + (content.under.ends_with('.') ? "" : ".");
  TensorMap inner = inside(content.tensors, prefix);
  if (inner.empty()) {
    std::vector<std::string> choices = content.choices;
    std::set<std::string> starts;
    for (const auto& [name, weight] : content.tensors) starts.insert(first_part(name));
    constexpr std::size_t most = 12;
    for (const std::string& start : starts)
      if (!start.empty() && choices.size() < most) choices.push_back(start.substr(0, start.size() - 1));
    throw Error(file + ": nothing lies under \"" + base::printable(content.under) + "\"; the file has " +
                (choices.empty() ? std::string("no keys") : listed(choices)));
  }
  notes.push_back("using the " + std::to_string(inner.size()) + " tensors whose names start with \"" +
                  base::printable(prefix) + "\", of " + std::to_string(content.tensors.size()));
  return inner;
}

bool is_known_network(const TensorMap& tensors) { return is_network(tensors); }

TensorMap torchvision_names(const TensorMap& tensors, std::vector<std::string>& notes,
                            const std::string& file) {
  TensorMap own = without_wrappers(tensors, file, notes);
  const Dialect* dialect = dialect_of(own);
  if (dialect == nullptr) return own;
  notes.push_back("translated the names of " + std::string(dialect->program) + " to torchvision's");
  return translated(own, *dialect);
}

}  // namespace ablaze::models
