#include <algorithm>
#include <array>

#include <ablaze/error.hpp>
#include <ablaze/graph.hpp>

#include "base/text.hpp"

namespace ablaze {
namespace {

std::size_t input_count(const Op& op) {
  if (std::holds_alternative<op::Input>(op)) return 0;
  return std::holds_alternative<op::Add>(op) || std::holds_alternative<op::Multiply>(op) ? 2 : 1;
}

std::int64_t parameters(const Weight& weight) { return weight ? weight.size() : 0; }

}  // namespace

std::string_view curve_name(op::Curve::Kind kind) {
  static constexpr std::array<std::string_view, 6> names{"Sigmoid",   "SiLU", "Hardsigmoid",
                                                         "Hardswish", "Clip", "Power"};
  return names.at(static_cast<std::size_t>(kind));
}

std::string_view op_name(const Op& op) {
  static constexpr std::array<std::string_view, std::variant_size_v<Op>> names{
      "Input",   "Conv2d", "BatchNorm", "ReLU",       "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "Linear",
      "Flatten", "Add",    "Identity",  "ChannelMap", "Curve",     "Unflatten", "Multiply"};
  const auto* curve = std::get_if<op::Curve>(&op);
  return curve != nullptr ? curve_name(curve->kind) : names.at(op.index());
}

NodeId Graph::add(std::string name, Op op, std::vector<NodeId> inputs) {
  if (names_.contains(name)) throw Error("the network has two layers called " + name);
  if (inputs.size() != input_count(op)) {
    throw Error("layer " + name + " (" + std::string(op_name(op)) + ") takes " +
                std::to_string(input_count(op)) + " inputs, not " + std::to_string(inputs.size()));
  }
  for (const NodeId input : inputs) {
    if (input < 0 || input >= size()) throw Error("layer " + name + " reads a layer that does not exist yet");
  }
  if (nodes_.empty() != std::holds_alternative<op::Input>(op)) {
    throw Error("a network has one input, and it comes first");
  }
  const NodeId id = size();
  names_.emplace(name, id);
  nodes_.push_back({std::move(name), std::move(op), std::move(inputs)});
  return id;
}

void Graph::alias(std::string name, NodeId node) {
  if (node < 0 || node >= size())
    throw Error("the name " + name + " is given to a layer that does not exist");
  if (names_.contains(name)) throw Error("the name " + name + " is a layer's own");
  aliases_.insert_or_assign(std::move(name), node);
}

bool Graph::contains(std::string_view name) const {
  return names_.find(name) != names_.end() || aliases_.find(name) != aliases_.end();
}

NodeId Graph::find(std::string_view name) const {
  if (const auto it = names_.find(name); it != names_.end()) return it->second;
  if (const auto it = aliases_.find(name); it != aliases_.end()) return it->second;
  std::vector<std::string> known;
  for (const auto& [known_name, id] : names_) known.push_back(known_name);
  for (const auto& [known_name, id] : aliases_) known.push_back(known_name);
  throw UsageError("the network has no layer \"" + base::printable(name) + "\"" +
                   base::did_you_mean(name, known));
}

std::vector<bool> Graph::downstream(NodeId node) const {
  std::vector<bool> reached(nodes_.size(), false);
  reached.at(node) = true;
  for (std::size_t i = static_cast<std::size_t>(node) + 1; i < nodes_.size(); ++i) {
    reached[i] = std::ranges::any_of(nodes_[i].inputs, [&](NodeId in) { return reached[in]; });
  }
  return reached;
}

std::int64_t parameter_count(const Node& node) {
  if (const auto* conv = std::get_if<op::Conv2d>(&node.op))
    return parameters(conv->weight) + parameters(conv->bias);
  if (const auto* norm = std::get_if<op::BatchNorm>(&node.op))
    return parameters(norm->weight) + parameters(norm->bias);
  if (const auto* linear = std::get_if<op::Linear>(&node.op))
    return parameters(linear->weight) + parameters(linear->bias);
  return 0;
}

std::int64_t multiply_adds(const Graph& graph, NodeId node, std::span<const Shape> shapes) {
  const Node& n = graph.node(node);
  const std::int64_t outputs = element_count(shapes[node]);
  if (const auto* conv = std::get_if<op::Conv2d>(&n.op)) {
    return outputs * (conv->weight.size() / conv->weight.shape().at(0));
  }
  if (const auto* linear = std::get_if<op::Linear>(&n.op)) return outputs * linear->weight.shape().at(1);
  return 0;
}

NodeId last_spatial(const Graph& graph, std::span<const Shape> shapes) {
  for (NodeId id = graph.output(); id > 0; --id) {
    const Shape& shape = shapes[id];
    if (shape.size() == 4 && shape[2] * shape[3] > 1) return id;
  }
  throw Error("the network has no layer with a spatial extent to explain");
}

}  // namespace ablaze
