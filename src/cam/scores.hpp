#pragma once

#include <span>
#include <vector>

#include "cam/method.hpp"

namespace ablaze::cam {

/// For one target: y, and y - y_k for each channel (or set of channels) k.
struct ChannelDrops {
  double score = 0;
  std::vector<double> drops;
};

/// The score drops from ablating each channel of the layer, one entry per target. Throws Error if a number is
/// not finite.
std::vector<ChannelDrops> ablate_channels(const Request& request);
/// The same for sets of channels that are ablated together, and for any ablation.
std::vector<ChannelDrops> ablate_sets(const Request& request, const Ablation& ablation,
                                      std::span<const std::vector<int>> sets, const Progress& progress);

/// For one target: y, and dy/dA, [M, C, H, W].
struct TargetGradient {
  std::vector<double> scores;  ///< [M]
  Tensor gradient;
};

/// The gradient of each target, at other activations of the layer [M, C, H, W] if given.
std::vector<TargetGradient> gradients(const Request& request, const Tensor* at = nullptr);

/// Row `image` of logits [N, classes].
std::span<const float> row(const Tensor& logits, std::int64_t image);
/// y of one image's logits. Kind::margin must name the other class.
double score_of(const Target& target, std::span<const float> logits);

}  // namespace ablaze::cam
