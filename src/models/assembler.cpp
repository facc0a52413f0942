#include "models/assembler.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "models/families.hpp"

namespace ablaze::models {
namespace {

std::string pattern(const Shape& shape) {
  std::string text;
  for (const std::int64_t n : shape) {
    text += (text.empty() ? "" : " x ") + (n == kAny ? std::string("any") : std::to_string(n));
  }
  return text;
}

bool fits(const Shape& shape, const Shape& expected) {
  return std::equal(
      shape.begin(), shape.end(), expected.begin(), expected.end(),
      [](std::int64_t n, std::int64_t wanted) { return n > 0 && (wanted == kAny || n == wanted); });
}

/// The first few names and the number of the others: an error must fit a screen.
std::string first_few(const std::vector<std::string>& names) {
  constexpr std::size_t most = 6;
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) shown.push_back(base::printable(names[i]));
  if (names.size() > most) shown.push_back(std::to_string(names.size() - most) + " more");
  return base::join(shown);
}

/// Channels that are copied, or convolved one by one, need memory of their own: no network has more.
constexpr std::int64_t kMostChannels = 1 << 16;
/// A body without a head is whole, but cannot classify; anything else is another network, or a part of one.
std::string missing_advice(const std::vector<std::string>& names) {
  const auto is_head = [](const std::string& name) {
    return name.starts_with("fc.") || name.starts_with("linear.") || name.starts_with("classifier.");
  };
  if (std::ranges::all_of(names, is_head))
    return ": the network has no head, or one of another name, and so no classes to explain. Save it with "
           "its last "
           "linear layer, or " +
           export_advice();
  return "; a part of the network is not in the file, or it is another network with some of the same names. "
         "If "
         "PyTorch opens it: " +
         export_advice();
}

std::int64_t first_axis(const Weight& weight) { return weight ? weight.shape().front() : kAny; }

}  // namespace

Assembler::Assembler(const TensorMap& tensors, std::string file)
    : tensors_(&tensors), file_(std::move(file)) {}

Shape Assembler::shape(const std::string& name) const {
  const auto it = tensors_->find(name);
  return it == tensors_->end() ? Shape{} : it->second.shape();
}

void Assembler::wrong_shape(const std::string& name, const Shape& expected) const {
  throw Error(file_ + ": the tensor " + base::printable(name) + " has the shape " + to_string(shape(name)) +
              ", but its neighbours require " + pattern(expected) +
              "; the file is damaged, or of another network. If PyTorch opens it: " + export_advice());
}

void Assembler::check_groups(const std::string& name, std::int64_t channels, int groups) const {
  if (channels % groups == 0) return;
  throw Error(
      file_ + ": " + base::printable(name) + " is a convolution of " + std::to_string(groups) +
      " groups, as its neighbours, but its " + std::to_string(channels) +
      " channels are no multiple of that; the file is damaged, or of another network. If PyTorch opens it: " +
      export_advice());
}

void Assembler::check_channels(const std::string& name, std::int64_t channels) const {
  if (channels <= kMostChannels) return;
  throw Error(file_ + ": " + base::printable(name) + " would have " + std::to_string(channels) +
              " channels; at most " + std::to_string(kMostChannels) + " are supported here");
}

Weight Assembler::take(const std::string& name, const Shape& expected) {
  const auto it = tensors_->find(name);
  if (it == tensors_->end()) {
    missing_.push_back(name);
    return {};
  }
  if (!fits(it->second.shape(), expected)) wrong_shape(name, expected);
  taken_.insert(name);
  return it->second;
}

Flow Assembler::input() { return {graph_.add("input", op::Input{{3, 0, 0}}, {}), 3}; }

Flow Assembler::conv(const std::string& name, Flow from, const ConvSpec& spec) {
  check_groups(name, from.channels, spec.groups);
  const std::int64_t inputs = from.channels / spec.groups;  // kAny stays kAny
  op::Conv2d conv;
  const bool square = spec.width == 0;
  conv.weight =
      take(name + ".weight", {spec.outputs, inputs, spec.kernel, square ? spec.kernel : spec.width});
  const std::int64_t outputs = first_axis(conv.weight);
  check_groups(name, outputs, spec.groups);
  if (spec.bias) conv.bias = take(name + ".bias", {outputs});
  conv.stride = {spec.stride, spec.stride};
  conv.padding = {spec.padding, spec.padding};
  if (!square) conv.padding = {spec.kernel / 2, spec.width / 2};
  conv.groups = spec.groups;
  return {graph_.add(name, std::move(conv), {from.node}), outputs};
}

Flow Assembler::depthwise(const std::string& name, Flow from, ConvSpec spec) {
  check_channels(name, from.channels);
  spec.groups = from.channels == kAny ? 1 : static_cast<int>(from.channels);
  spec.outputs = from.channels;
  return conv(name, from, spec);
}

Flow Assembler::batch_norm(const std::string& name, Flow from, double epsilon) {
  op::BatchNorm norm;
  norm.epsilon = epsilon;
  norm.weight = take(name + ".weight", {from.channels});
  norm.bias = take(name + ".bias", {from.channels});
  norm.mean = take(name + ".running_mean", {from.channels});
  norm.variance = take(name + ".running_var", {from.channels});
  return {graph_.add(name, std::move(norm), {from.node}), from.channels};
}

Flow Assembler::linear(const std::string& name, Flow from) {
  op::Linear linear;
  linear.weight = take(name + ".weight", {kAny, from.channels});
  const std::int64_t outputs = first_axis(linear.weight);
  linear.bias = take(name + ".bias", {outputs});
  return {graph_.add(name, std::move(linear), {from.node}), outputs};
}

Flow Assembler::plain(const std::string& name, Op op, Flow from) {
  return {graph_.add(name, std::move(op), {from.node}), from.channels};
}

Flow Assembler::add(const std::string& name, Flow a, Flow b) {
  return {graph_.add(name, op::Add{}, {a.node, b.node}), a.channels};
}

Flow Assembler::scale(const std::string& name, Flow x, Flow gate) {
  return {graph_.add(name, op::Multiply{}, {x.node, gate.node}), x.channels};
}

// Each part is mapped to its channels, with zeros elsewhere, and the parts are summed.
Flow Assembler::arrange(const std::string& name, const std::vector<ChannelPart>& parts) {
  const auto channels = static_cast<std::int64_t>(parts.front().from.size());
  NodeId total = -1;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool only = parts.size() == 1, last = i + 1 == parts.size();
    const std::string number = std::to_string(i + 1);
    const NodeId mapped = graph_.add(only ? name : name + ".part" + number, op::ChannelMap{parts[i].from},
                                     {parts[i].flow.node});
    total = i == 0 ? mapped : graph_.add(last ? name : name + ".sum" + number, op::Add{}, {total, mapped});
  }
  return {total, channels};
}

Flow Assembler::concat(const std::string& name, const std::vector<Flow>& parts) {
  std::int64_t channels = 0;
  bool known = true;
  for (const Flow& part : parts) {
    check_channels(name, part.channels);
    channels += part.channels;
    known &= part.channels != kAny;
  }
  check_channels(name, channels);
  std::vector<ChannelPart> arranged;
  std::int64_t at = 0;
  for (const Flow& part : parts) {
    std::vector<int> from(static_cast<std::size_t>(channels), -1);
    std::iota(from.begin() + at, from.begin() + at + part.channels, 0);
    at += part.channels;
    arranged.push_back({part, std::move(from)});
  }
  Flow all = arrange(name, arranged);
  if (!known) all.channels = kAny;
  return all;
}

int Assembler::leave_out(const std::string& prefix) {
  int count = 0;
  for (auto it = tensors_->lower_bound(prefix); it != tensors_->end() && it->first.starts_with(prefix);
       ++it) {
    taken_.insert(it->first);
    if (!it->first.ends_with("num_batches_tracked")) ++count;
  }
  return count;
}

Graph Assembler::finish() {
  if (!missing_.empty()) {
    throw Error(file_ + ": " + (missing_.size() == 1 ? "a tensor is missing: " : "tensors are missing: ") +
                first_few(missing_) + missing_advice(missing_));
  }
  std::vector<std::string> unknown;
  for (const auto& [name, weight] : *tensors_) {
    if (!taken_.contains(name) && !name.ends_with("num_batches_tracked")) unknown.push_back(name);
  }
  if (!unknown.empty()) {
    throw Error(file_ + ": found tensors that this network does not use: " + first_few(unknown) +
                "; it is another network with some of the same names. To use it, " + export_advice());
  }
  return std::move(graph_);
}

}  // namespace ablaze::models
