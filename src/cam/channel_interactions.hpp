#pragma once

#include <span>
#include <vector>

#include "cam/method.hpp"
#include "cam/scores.hpp"

namespace ablaze::cam {

/// The channels that the request's ablation changes at all; the others change no score .
std::vector<int> changing_channels(const Request& request, const Tensor& activation);

/// For each target, how the `count` channels that can move its score most act on each other in pairs. What a
/// channel can move is the larger of its drop from the whole and what it adds to nothing, so that channels
/// are found which stand in for each other and whose drops are zero. Throws UsageError where `count` is out
/// of range.
std::vector<Interactions> interactions_between(const Request& request, const Tensor& activation, int count);

/// For each target, the ways of its `count` channels of the largest drops (of `effects`) from their gradient
/// to their ablation.
std::vector<std::vector<ChannelPath>> channel_paths(const Request& request, const Tensor& activation,
                                                    std::span<const ChannelDrops> effects, int count);

}  // namespace ablaze::cam
