#pragma once

#include <vector>

#include "runtime/compiled_network.hpp"

namespace ablaze::runtime {

/// How a change of one channel of a layer travels to the scores.
struct Route {
  NodeId from = 0;
  std::vector<DeltaReach> reach;  ///< of every node; none also for nodes that the result does not depend on
  std::vector<NodeId> local;      ///< the channel-local nodes in order, `from` first
  /// The node whose change gives the scores': what the network's last linear layer reads (which is then
  /// applied to the wanted rows alone), or the output.
  NodeId result = 0;
  bool through_head = false;

  DeltaReach reach_of(NodeId id) const { return reach[id]; }
  /// No dense state on the way: each channel has its part in the result, and parts add up.
  bool closed_form() const { return reach_of(result) != DeltaReach::dense; }
};

/// Throws UsageError, with the layer's name as it was given, where there are no planes to ablate.
void require_channels(const CompiledNetwork& network, NodeId layer, std::string_view name);

/// The route from a layer with channels. through_head: end before the last linear layer, if there is one.
/// Throws UsageError where the output does not depend on the layer.
Route find_route(const CompiledNetwork& network, NodeId from, bool through_head);

}  // namespace ablaze::runtime
