#include "runtime/ablation/route.hpp"

#include <algorithm>

#include <ablaze/error.hpp>

#include "graph/visit.hpp"

namespace ablaze::runtime {
namespace {

/// The nodes on which `node` depends, including itself.
std::vector<bool> upstream(const Graph& graph, NodeId node) {
  std::vector<bool> reached(graph.size(), false);
  reached[node] = true;
  for (NodeId id = node; id >= 0; --id) {
    if (!reached[id]) continue;
    for (const NodeId in : graph.node(id).inputs) reached[in] = true;
  }
  return reached;
}

/// Whether a change of one input channel changes other channels of the output.
bool mixes_channels(const Node& node) {
  return graph::visit(
      node.op,
      [](const op::Conv2d& conv) {
        const Shape& weight = conv.weight.shape();
        return weight[1] != 1 || weight[0] != conv.groups;  // a depthwise one has a filter for each channel
      },
      [](const graph::one_of<op::Linear, op::ChannelMap> auto&) { return true; },
      [](const graph::one_of<op::Input, op::BatchNorm, op::Relu, op::Curve, op::MaxPool2d, op::AvgPool2d,
                             op::AdaptiveAvgPool2d, op::GlobalMaxPool2d, op::Flatten, op::Unflatten, op::Add,
                             op::Multiply, op::Identity> auto&) { return false; });
}

}  // namespace

Route find_route(const CompiledNetwork& network, NodeId from, bool through_head) {
  const Graph& graph = network.graph;
  Route route;
  route.from = from;
  route.through_head = through_head && network.head != kNoNode;
  route.result = route.through_head ? network.head_input : graph.output();
  route.reach.assign(graph.size(), DeltaReach::none);
  const std::vector<bool> wanted = upstream(graph, route.result);
  if (!wanted[from]) {
    throw UsageError("the network's output does not depend on layer " + graph.node(from).name);
  }
  route.reach[from] = DeltaReach::channel;
  for (NodeId id = from + 1; id <= route.result; ++id) {
    if (!wanted[id]) continue;
    DeltaReach reach = DeltaReach::none;
    for (const NodeId in : graph.node(id).inputs) reach = std::max(reach, route.reach_of(in));
    if (reach == DeltaReach::channel && mixes_channels(graph.node(id))) reach = DeltaReach::dense;
    route.reach[id] = reach;
  }
  for (NodeId id = from; id <= route.result; ++id) {
    if (route.reach_of(id) == DeltaReach::channel) route.local.push_back(id);
  }
  return route;
}

}  // namespace ablaze::runtime
