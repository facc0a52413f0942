#pragma once

#include <vector>

#include "runtime/compiled_network.hpp"

namespace ablaze::runtime {

/// How the delta of one channel of a layer propagates to the scores.
struct Route {
  NodeId from = 0;
  std::vector<DeltaReach> reach;  ///< of every node; none if the result does not depend on it
  std::vector<NodeId> local;      ///< the channel-local nodes in order, `from` first
  /// The node whose delta gives the drops: the input of the last linear layer (of which only the requested
  /// rows are then multiplied), or the output.
  NodeId result = 0;
  bool through_head = false;

  DeltaReach reach_of(NodeId id) const { return reach[id]; }
  /// No dense state: the result is the sum of one part per channel.
  bool closed_form() const { return reach_of(result) != DeltaReach::dense; }
};

/// Throws UsageError, with the layer's name as given, if the layer has no planes.
void require_channels(const CompiledNetwork& network, NodeId layer, std::string_view name);

/// The route from a layer with channels. through_head: end before the last linear layer, if any.
/// Throws UsageError if the output does not depend on the layer.
Route find_route(const CompiledNetwork& network, NodeId from, bool through_head);

}  // namespace ablaze::runtime
