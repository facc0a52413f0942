#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ablaze/graph.hpp>

namespace ablaze::evaluate {

/// Layers whose weights are drawn anew together: a block of a residual network, a convolution with its
/// BatchNorm elsewhere.
struct Stage {
  std::string name;  ///< of the block or layer
  std::vector<NodeId> nodes;
};

/// All layers with weights, the network's top first.
std::vector<Stage> stages_of(const Graph& graph);

/// The graph with the weights of some stages drawn anew, as for a network that is yet to be trained:
/// convolutions and linear layers evenly from [-sqrt(6 / fan in), sqrt(6 / fan in)) (He et al. 2015), biases
/// 0, BatchNorms that change nothing. A layer's numbers depend on the seed and its name alone.
Graph randomised(const Graph& graph, std::span<const Stage> stages, std::uint64_t seed);

}  // namespace ablaze::evaluate
