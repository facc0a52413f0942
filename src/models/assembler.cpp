#include "models/assembler.hpp"

#include <algorithm>
#include <utility>

#include <ablaze/error.hpp>

#include "base/text.hpp"

namespace ablaze::models {
namespace {

std::string pattern(const Shape& shape) {
  std::string text;
  for (const std::int64_t n : shape) {
    text += (text.empty() ? "" : "x") + (n == kAny ? std::string("?") : std::to_string(n));
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
              "; the file is damaged, or its network is not supported");
}

void Assembler::check_groups(const std::string& name, std::int64_t channels, int groups) const {
  if (channels % groups == 0) return;
  throw Error(file_ + ": " + base::printable(name) + " is a convolution of " + std::to_string(groups) +
              " groups, as its neighbours, but its " + std::to_string(channels) +
              " channels are no multiple of that; the file is damaged, or its network is not supported");
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
  conv.weight = take(name + ".weight", {spec.outputs, inputs, spec.kernel, spec.kernel});
  const std::int64_t outputs = first_axis(conv.weight);
  check_groups(name, outputs, spec.groups);
  if (spec.bias) conv.bias = take(name + ".bias", {outputs});
  conv.stride = {spec.stride, spec.stride};
  conv.padding = {spec.padding, spec.padding};
  conv.groups = spec.groups;
  return {graph_.add(name, std::move(conv), {from.node}), outputs};
}

Flow Assembler::batch_norm(const std::string& name, Flow from) {
  op::BatchNorm norm;
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

Graph Assembler::finish() {
  if (!missing_.empty()) {
    throw Error(file_ + ": " + (missing_.size() == 1 ? "a tensor is missing: " : "tensors are missing: ") +
                first_few(missing_) + "; the file is incomplete, or its network is not supported");
  }
  std::vector<std::string> unknown;
  for (const auto& [name, weight] : *tensors_) {
    if (!taken_.contains(name) && !name.ends_with("num_batches_tracked")) unknown.push_back(name);
  }
  if (!unknown.empty()) {
    throw Error(file_ + ": found tensors that this network does not use: " + first_few(unknown) +
                "; the file's network is not supported");
  }
  return std::move(graph_);
}

}  // namespace ablaze::models
