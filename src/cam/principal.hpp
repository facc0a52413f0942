#pragma once

#include <span>

#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// The weighted sum of the activations A [1, C, H, W] after noise reduction: replaces the matrix of the terms
/// w_k A_k (one row per location, one column per channel) by its best rank-1 approximation, sigma u v', and
/// sums it over the channels: sigma (sum_k v_k) u, [H, W], signed. What the channels have in common stays.
/// The result does not depend on the sign of u and v. Deterministic; in float64. Throws Error if the counts
/// differ.
///
/// The most used library centres each column first ("eigen_smooth"), which makes about half of any map
/// negative and leaves the sign to chance.
Tensor principal_sum(const Tensor& activation, std::span<const double> weights);

/// The channels [1, C, H, W] projected on their first right singular vector v: sigma u, [H, W], the best
/// single map of all channels. The sign makes its product with the channels' sum non-negative.
Tensor principal_projection(const Tensor& channels);

}  // namespace ablaze::cam
