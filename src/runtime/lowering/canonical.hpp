#pragma once

#include <vector>

#include <ablaze/graph.hpp>

namespace ablaze::runtime {

/// The same network, nodes and names in fewer operators: those that the steps know. A ChannelMap becomes the
/// 1x1 convolution whose weights are zeros and ones; it gives the same bits (sums of zeros and one value),
/// fuses like any other, and changes and gradients travel through it as through any other. It is used where
/// maps are small beside the convolutions around them: a CIFAR ResNet's shortcuts. Throws Error where all
/// their weights would take more bytes than `memory_limit`.
Graph in_known_operators(const Graph& network, const std::vector<Shape>& shapes, std::uint64_t memory_limit);

}  // namespace ablaze::runtime
