#pragma once

#include <vector>

#include <ablaze/graph.hpp>

namespace ablaze::runtime {

/// The same network with the same nodes and names, without operators that have no kernel. A ChannelMap
/// becomes a 1x1 convolution with weights of zeros and ones. It gives the same bits (sums of zeros and one
/// value), and is fused, and propagates deltas and gradients, like any other. Its cost is small relative to
/// the convolutions around it, as for the shortcuts of a CIFAR ResNet. Throws Error if the weights of all
/// maps would take more than `memory_limit` bytes.
Graph in_known_operators(const Graph& network, const std::vector<Shape>& shapes, std::uint64_t memory_limit);

}  // namespace ablaze::runtime
