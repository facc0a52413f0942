#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// sum_k w_k A_k for one image's activations A [1, C, H, W] and C weights: [H, W], signed. Sums in float64,
/// channel by channel. Throws Error if the counts differ or a sum is not finite.
Tensor weighted_sum(const Tensor& activation, std::span<const double> weights);

/// Checks shared by both sums over channels. Throws Error unless the activations are [1, C, H, W] and the
/// weights C.
void require_one_weight_a_channel(const Tensor& activation, std::size_t weights);
/// Throws Error if a value of the map is infinite or NaN.
void require_finite_map(const Tensor& map);

/// max(sum, 0)
Tensor rectified(const Tensor& sum);

/// Whether a signed map's positive part is at most a hundredth of its negative part. Scaled to its own
/// maximum, it would look like evidence.
bool speaks_against_alone(const Tensor& sum);

/// The note for a map that shows nothing: zero everywhere after the ReLU (with the reason: no weight, or only
/// evidence against the class), negligible compared to the evidence against, or constant. Empty for any other
/// map.
std::string note_on(const Tensor& sum);

}  // namespace ablaze::cam
