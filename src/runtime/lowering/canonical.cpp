#include "runtime/lowering/canonical.hpp"

#include <ablaze/error.hpp>

namespace ablaze::runtime {
namespace {

/// bytes: what the previous maps have left of the limit, a bound for small files with large maps.
op::Conv2d as_convolution(const op::ChannelMap& map, std::int64_t inputs, const std::string& layer,
                          std::uint64_t& bytes) {
  const auto outputs = static_cast<std::int64_t>(map.from.size());
  const std::uint64_t takes = static_cast<std::uint64_t>(outputs * inputs) * sizeof(float);
  if (takes > bytes) {
    throw Error("layer " + layer + ": mapping " + std::to_string(inputs) + " channels to " +
                std::to_string(outputs) + " exceeds the memory limit; allow more memory");
  }
  bytes -= takes;
  Tensor weight({outputs, inputs, 1, 1});
  for (std::int64_t o = 0; o < outputs; ++o) {
    const int source = map.from[o];
    if (source >= 0) weight[o * inputs + source] = 1;
  }
  op::Conv2d conv;
  conv.weight = std::move(weight);
  conv.stride = map.stride;
  return conv;
}

}  // namespace

Graph in_known_operators(const Graph& network, const std::vector<Shape>& shapes, std::uint64_t memory_limit) {
  Graph graph;
  for (const Node& node : network.nodes()) {
    Op op = node.op;
    if (const auto* map = std::get_if<op::ChannelMap>(&node.op)) {
      const std::int64_t inputs = shapes[node.inputs[0]][1];
      op = as_convolution(*map, inputs, node.name, memory_limit);
    }
    graph.add(node.name, std::move(op), node.inputs);
  }
  for (const auto& [name, node] : network.aliases()) graph.alias(name, node);
  return graph;
}

}  // namespace ablaze::runtime
