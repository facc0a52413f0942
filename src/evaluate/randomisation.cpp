#include "evaluate/randomisation.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <variant>

#include <ablaze/tensor.hpp>

#include "base/random.hpp"
#include "graph/visit.hpp"

namespace ablaze::evaluate {
namespace {

bool has_weights(const Op& op) {
  return graph::visit(
      op, [](const graph::one_of<op::Conv2d, op::Linear, op::BatchNorm> auto&) { return true; },
      [](const graph::one_of<op::Input, op::Relu, op::Curve, op::MaxPool2d, op::AvgPool2d,
                             op::AdaptiveAvgPool2d, op::GlobalMaxPool2d, op::Flatten, op::Unflatten, op::Add,
                             op::Multiply, op::Identity, op::ChannelMap> auto&) { return false; });
}

/// The first two parts of a module's name: "layer4.1" of "layer4.1.downsample.0".
std::string block_of(const std::string& name) {
  const std::size_t first = name.find('.');
  return first == std::string::npos ? name : name.substr(0, name.find('.', first + 1));
}

/// A BatchNorm belongs to the stage of the convolution before it.
std::string stage_name(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (std::holds_alternative<op::BatchNorm>(node.op)) {
    const Node& before = graph.node(node.inputs.front());
    if (std::holds_alternative<op::Conv2d>(before.op)) return block_of(before.name);
  }
  return block_of(node.name);
}

std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325U;  // FNV-1a
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return value;
}

Weight drawn(const Weight& old, base::SplitMix64& numbers) {
  const Shape& shape = old.shape();
  const std::int64_t fan_in = old.size() / std::max<std::int64_t>(shape.front(), 1);
  const double bound = std::sqrt(6.0 / static_cast<double>(std::max<std::int64_t>(fan_in, 1)));
  Tensor tensor(shape);
  for (float& value : tensor.values()) value = static_cast<float>((2 * numbers.unit() - 1) * bound);
  return tensor;
}

Weight zeros_like(const Weight& old) { return old ? Weight(Tensor(old.shape())) : Weight(); }

Op randomised(Op op, base::SplitMix64 numbers) {
  if (auto* conv = std::get_if<op::Conv2d>(&op)) {
    conv->weight = drawn(conv->weight, numbers);
    conv->bias = zeros_like(conv->bias);
  } else if (auto* linear = std::get_if<op::Linear>(&op)) {
    linear->weight = drawn(linear->weight, numbers);
    linear->bias = zeros_like(linear->bias);
  } else if (auto* norm = std::get_if<op::BatchNorm>(&op)) {
    Tensor ones(norm->variance.shape());
    std::ranges::fill(ones.values(), 1.0F);
    norm->mean = zeros_like(norm->mean);
    norm->variance = std::move(ones);
    norm->weight = Weight();
    norm->bias = Weight();
  }
  return op;
}

}  // namespace

std::vector<Stage> stages_of(const Graph& graph) {
  std::vector<Stage> stages;
  for (NodeId id = graph.output(); id >= 0; --id) {
    if (!has_weights(graph.node(id).op)) continue;
    const std::string name = stage_name(graph, id);
    auto stage = std::ranges::find(stages, name, &Stage::name);
    if (stage == stages.end()) stage = stages.insert(stages.end(), {name, {}});
    stage->nodes.push_back(id);
  }
  return stages;
}

Graph randomised(const Graph& graph, std::span<const Stage> stages, std::uint64_t seed) {
  std::vector<bool> anew(graph.size());
  for (const Stage& stage : stages)
    for (const NodeId id : stage.nodes) anew[id] = true;
  Graph out;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    const bool draw = anew[id];
    base::SplitMix64 of_layer(hash(node.name));
    out.add(node.name, draw ? randomised(node.op, base::SplitMix64(seed ^ of_layer.next())) : node.op,
            node.inputs);
  }
  for (const auto& [name, node] : graph.aliases()) out.alias(name, node);
  return out;
}

}  // namespace ablaze::evaluate
