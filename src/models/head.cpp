#include "models/head.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

bool has_tensors(const TensorMap& tensors, const std::string& start) {
  const auto first = tensors.lower_bound(start);
  return first != tensors.end() && first->first.starts_with(start);
}

/// "6.3" -> 6, 3; false where a part is no module number.
bool parse_path(std::string_view text, std::vector<int>& path) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('.'));
    int number = 0;
    const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (failure != std::errc{} || end != part.data() + part.size() || number < 0) return false;
    path.push_back(number);
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return true;
}

std::string shown(const std::vector<std::string>& names) {
  std::vector<std::string> printable;
  for (const std::string& name : names) printable.push_back(base::printable(name));
  return base::join(printable);
}

}  // namespace

Head::Head(const Assembler& a, std::span<const std::string_view> modules) : module_(modules.front()) {
  for (const std::string_view module : modules) {
    if (!has_tensors(a.tensors(), std::string(module) + ".")) continue;
    module_ = module;
    break;
  }
  std::set<std::string> names;
  const std::string start = module_ + ".";
  for (auto it = a.tensors().lower_bound(start); it != a.tensors().end() && it->first.starts_with(start);
       ++it)
    if (!it->first.ends_with(".num_batches_tracked")) names.insert(it->first.substr(0, it->first.rfind('.')));
  for (const std::string& name : names) layers_.push_back(layer_of(a, name));
  if (layers_.empty()) layers_.push_back({{}, module_, false});
  for (Layer& layer : layers_) {
    if (layer.name.size() > start.size())
      numbered_ &= parse_path(std::string_view(layer.name).substr(start.size()), layer.path);
  }
  if (numbered_) std::ranges::sort(layers_, {}, &Layer::path);
  const auto first = std::ranges::find(layers_, false, &Layer::norm);
  if (first == layers_.end()) return;
  if (const Shape shape = a.shape(first->name + ".weight"); shape.size() == 2) inputs_ = shape[1];
}

Head::Layer Head::layer_of(const Assembler& a, const std::string& name) const {
  const bool norm = a.contains(name + ".running_mean") || a.contains(name + ".running_var");
  if (!norm && a.shape(name + ".weight").size() == 1) {
    throw Error(
        a.file() + ": " + base::printable(name) +
        " of the head has a vector of weights and no running_mean (LayerNorm? PReLU?); expected linear "
        "layers and BatchNorm. " +
        export_advice());
  }
  return {{}, name, norm};
}

std::size_t Head::depth() const {
  return static_cast<std::size_t>(std::ranges::count(layers_, false, &Layer::norm));
}

std::int64_t Head::inputs() const { return inputs_; }

bool Head::starts_late() const {
  return std::ranges::any_of(layers_.front().path, [](int number) { return number > 0; });
}

std::vector<int> Head::numbers() const {
  std::vector<int> all;
  for (const Layer& layer : layers_) {
    if (layer.norm || layer.path.size() != 1) return {};
    all.push_back(layer.path.front());
  }
  return all;
}

/// The names of the layers without weights between two with weights.
std::vector<std::string> Head::gap(const Assembler& a, const Layer& from, const Layer& to) const {
  std::size_t same = 0;  // the Sequentials that both lie in
  while (same < std::min(from.path.size(), to.path.size()) && from.path[same] == to.path[same]) ++same;
  const auto refuse = [&](const std::string& why) {
    throw Error(a.file() + ": the names do not tell which layers stand between " +
                base::printable(from.name) + " and " + base::printable(to.name) + ": " + why +
                ". To use it, " + export_advice());
  };
  if (from.path.size() != same + 1 || to.path.size() <= same)
    refuse("the first is in a Sequential of its own, whose end has no tensors");
  std::string name = module_;
  for (std::size_t depth = 0; depth < same; ++depth) name += "." + std::to_string(to.path[depth]);
  constexpr int most = 2;  // ReLU and Dropout
  const int between = to.path[same] - from.path[same] - 1;
  if (between > most)
    refuse("there is room for " + std::to_string(between) + " layers; at most ReLU and Dropout are assumed");
  std::vector<std::string> names;
  for (int i = 1; i <= between; ++i) names.push_back(name + "." + std::to_string(from.path[same] + i));
  for (std::size_t depth = same + 1; depth < to.path.size(); ++depth) {
    name += "." + std::to_string(to.path[depth - 1]);
    if (to.path[depth] > 1)
      refuse("there is room for several layers at the start of " + base::printable(name));
    if (to.path[depth] == 1) names.push_back(name + ".0");
  }
  return names;
}

Flow Head::build(Assembler& a, Flow x, std::vector<std::int64_t>& widths,
                 std::vector<std::string>& notes) const {
  if (!numbered_ && layers_.size() > 1) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min<std::size_t>(layers_.size(), 4); ++i)
      names.push_back(layers_[i].name);
    throw Error(
        a.file() + ": the head has the layers " + shown(names) +
        ", whose names tell neither their order nor what stands between them; expected numbers, as of a "
        "Sequential. To use it, " +
        export_advice());
  }
  std::vector<std::string> curves, dropped;
  bool curved = true;  // no curve is needed before the first linear layer: its input is not negative
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (i > 0) {
      for (const std::string& name : gap(a, layers_[i - 1], layer)) {
        if (curved) {
          x = a.plain(name, op::Identity{}, x);
          dropped.push_back(name);
        } else {
          x = a.plain(name, op::Relu{}, x);
          curves.push_back(name);
        }
        curved = true;
      }
    }
    if (layer.norm) {
      x = a.batch_norm(layer.name, x);
      continue;
    }
    x = a.linear(layer.name, x);
    widths.push_back(x.channels);
    curved = false;
  }
  if (layers_.back().norm) {
    throw Error(a.file() + ": the head ends with " + base::printable(layers_.back().name) +
                ", a BatchNorm; expected a linear layer. To use it, " + export_advice());
  }
  if (layers_.back().name != module_) a.alias(module_, x);
  if (curves.empty() || numbers() == std::vector<int>{0, 3, 6}) return x;  // torchvision's VGGs
  std::string note = "the head's layers without weights are assumed: " + shown(curves) + " ReLU";
  if (!dropped.empty()) note += ", " + shown(dropped) + " Dropout";
  notes.push_back(note + ". If they are others: " + export_advice());
  return x;
}

}  // namespace ablaze::models
