#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ablaze/graph.hpp>

namespace ablaze::evaluate {

/// Layers that are randomised together: a block of a residual network; elsewhere a convolution with its
/// BatchNorm.
struct Stage {
  std::string name;  ///< of the block or layer
  std::vector<NodeId> nodes;
};

/// All layers with weights, from the network's output back.
std::vector<Stage> stages_of(const Graph& graph);

/// The graph with the weights of some stages replaced by random initial ones: convolutions and linear layers
/// uniform in [-sqrt(6 / fan in), sqrt(6 / fan in)) (He et al. 2015), biases 0, BatchNorms the identity. A
/// layer's weights depend only on the seed and its name.
Graph randomised(const Graph& graph, std::span<const Stage> stages, std::uint64_t seed);

}  // namespace ablaze::evaluate
