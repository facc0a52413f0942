#include <algorithm>
#include <string>

#include <ablaze/error.hpp>
#include <ablaze/graph.hpp>

#include "base/text.hpp"
#include "graph/visit.hpp"

namespace ablaze {
namespace {

using graph::one_of;

std::size_t input_count(const Op& op) {
  return graph::visit(
      op, [](const op::Input&) -> std::size_t { return 0; },
      [](const one_of<op::Add, op::Multiply> auto&) -> std::size_t { return 2; },
      [](const one_of<op::Conv2d, op::BatchNorm, op::Relu, op::Curve, op::MaxPool2d, op::AvgPool2d,
                      op::AdaptiveAvgPool2d, op::GlobalMaxPool2d, op::Linear, op::Flatten, op::Unflatten,
                      op::Identity, op::ChannelMap> auto&) -> std::size_t { return 1; });
}

std::int64_t parameters(const Weight& weight) { return weight ? weight.size() : 0; }

}  // namespace

std::string_view curve_name(op::Curve::Kind kind) {
  using Kind = op::Curve::Kind;
  switch (kind) {
    case Kind::sigmoid:
      return "Sigmoid";
    case Kind::silu:
      return "SiLU";
    case Kind::hard_sigmoid:
      return "Hardsigmoid";
    case Kind::hard_swish:
      return "Hardswish";
    case Kind::clip:
      return "Clip";
    case Kind::power:
      return "Power";
    case Kind::tanh:
      return "Tanh";
    case Kind::elu:
      return "ELU";
    case Kind::softplus:
      return "Softplus";
    case Kind::mish:
      return "Mish";
    case Kind::gelu:
      return "GELU";
    case Kind::erf:
      return "Erf";
  }
  throw Error("unknown kind of curve " + std::to_string(static_cast<int>(kind)));
}

std::string_view op_name(const Op& op) {
  using Name = std::string_view;
  return graph::visit(
      op, [](const op::Input&) -> Name { return "Input"; },
      [](const op::Conv2d&) -> Name { return "Conv2d"; },
      [](const op::BatchNorm&) -> Name { return "BatchNorm"; },
      [](const op::Relu&) -> Name { return "ReLU"; },
      [](const op::Curve& curve) -> Name { return curve_name(curve.kind); },
      [](const op::MaxPool2d&) -> Name { return "MaxPool2d"; },
      [](const op::AvgPool2d&) -> Name { return "AvgPool2d"; },
      [](const op::AdaptiveAvgPool2d&) -> Name { return "AdaptiveAvgPool2d"; },
      [](const op::GlobalMaxPool2d&) -> Name { return "GlobalMaxPool2d"; },
      [](const op::Linear&) -> Name { return "Linear"; },
      [](const op::Flatten&) -> Name { return "Flatten"; },
      [](const op::Unflatten&) -> Name { return "Unflatten"; }, [](const op::Add&) -> Name { return "Add"; },
      [](const op::Multiply&) -> Name { return "Multiply"; },
      [](const op::Identity&) -> Name { return "Identity"; },
      [](const op::ChannelMap&) -> Name { return "ChannelMap"; });
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
    throw Error("expected one input as the network's first layer");
  }
  const NodeId id = size();
  names_.emplace(name, id);
  nodes_.push_back({std::move(name), std::move(op), std::move(inputs)});
  return id;
}

void Graph::alias(std::string name, NodeId node) {
  if (node < 0 || node >= size()) throw Error("the alias " + name + " refers to a layer that does not exist");
  if (names_.contains(name)) throw Error("the alias " + name + " is already a layer's name");
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
  return graph::visit(
      node.op,
      [](const one_of<op::Conv2d, op::BatchNorm, op::Linear> auto& op) {
        return parameters(op.weight) + parameters(op.bias);
      },
      [](const one_of<op::Input, op::Relu, op::Curve, op::MaxPool2d, op::AvgPool2d, op::AdaptiveAvgPool2d,
                      op::GlobalMaxPool2d, op::Flatten, op::Unflatten, op::Add, op::Multiply, op::Identity,
                      op::ChannelMap> auto&) { return std::int64_t{0}; });
}

std::int64_t multiply_adds(const Graph& graph, NodeId node, std::span<const Shape> shapes) {
  const std::int64_t outputs = element_count(shapes[node]);
  return graph::visit(
      graph.node(node).op,
      [&](const op::Conv2d& conv) { return outputs * (conv.weight.size() / conv.weight.shape().at(0)); },
      [&](const op::Linear& linear) { return outputs * linear.weight.shape().at(1); },
      [](const one_of<op::Input, op::BatchNorm, op::Relu, op::Curve, op::MaxPool2d, op::AvgPool2d,
                      op::AdaptiveAvgPool2d, op::GlobalMaxPool2d, op::Flatten, op::Unflatten, op::Add,
                      op::Multiply, op::Identity, op::ChannelMap> auto&) { return std::int64_t{0}; });
}

NodeId last_spatial(const Graph& graph, std::span<const Shape> shapes) {
  for (NodeId id = graph.output(); id > 0; --id) {
    const Shape& shape = shapes[id];
    if (shape.size() == 4 && shape[2] * shape[3] > 1) return id;
  }
  throw Error("the network has no layer with height and width to explain");
}

}  // namespace ablaze
