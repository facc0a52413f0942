#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// sum_k w_k A_k for one image's activations A [1, C, H, W] and C weights: [H, W], signs kept. Summed in
/// float64, channel after channel. Throws Error where the counts differ or a sum is not finite.
Tensor weighted_sum(const Tensor& activation, std::span<const double> weights);

/// What both sums over channels refuse. Throws Error unless the activations are [1, C, H, W] and the weights
/// C.
void require_one_weight_a_channel(const Tensor& activation, std::size_t weights);
/// Throws Error where a value of the map is infinite or NaN.
void require_finite_map(const Tensor& map);

/// max(sum, 0)
Tensor rectified(const Tensor& sum);

/// Whether what of a signed map lies above zero is next to nothing beside what lies below: a hundredth, or
/// less. On a scale of its own it would look like evidence.
bool speaks_against_alone(const Tensor& sum);

/// What must be said of a map that shows nothing: zero everywhere after the ReLU (and why: no weight, or
/// evidence against the class alone), next to nothing beside the evidence against, or the same value
/// everywhere. Empty for any other.
std::string note_on(const Tensor& sum);

}  // namespace ablaze::cam
