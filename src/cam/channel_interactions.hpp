#pragma once

#include <span>
#include <vector>

#include "cam/method.hpp"
#include "cam/scores.hpp"

namespace ablaze::cam {

/// The channels that the request's ablation changes; the others change no score.
std::vector<int> changing_channels(const Request& request, const Tensor& activation);

/// For each target, the pairwise interactions of the `count` channels with the largest possible effect on its
/// score: the larger of the channel's drop from the full layer and its gain over an empty layer. This
/// includes redundant channels, whose drops are zero. Throws UsageError if `count` is out of range.
std::vector<Interactions> interactions_between(const Request& request, const Tensor& activation, int count);

/// For each target, the paths of the `count` channels with the largest drops (in `effects`), from gradient to
/// ablation.
std::vector<std::vector<ChannelPath>> channel_paths(const Request& request, const Tensor& activation,
                                                    std::span<const ChannelDrops> effects, int count);

}  // namespace ablaze::cam
