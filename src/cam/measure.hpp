#pragma once

#include <span>
#include <vector>

#include "cam/method.hpp"

namespace ablaze::cam {

/// Of one target: y, and y - y_k for each channel (or set of channels) k.
struct Effect {
  double score = 0;
  std::vector<double> drops;
};

/// The effect of ablating each channel of the layer: one a target. Throws Error where a number is not finite.
std::vector<Effect> ablate_channels(const Question& question);
/// The same for sets of channels that are ablated together.
std::vector<Effect> ablate_sets(const Question& question, std::span<const std::vector<int>> sets,
                                const Progress& progress);

/// y of one image's logits. Kind::margin must name the other class.
double score_of(const Target& target, std::span<const float> logits);

}  // namespace ablaze::cam
