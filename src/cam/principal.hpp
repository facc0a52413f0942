#pragma once

#include <span>

#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// The weighted sum of the activations A [1, C, H, W] with noise taken out of the terms first: the matrix of
/// the terms w_k A_k (a row a place, a column a channel) is replaced by the best matrix of rank one, sigma u
/// v', and that is summed over the channels: sigma (sum_k v_k) u, [H, W], signs kept. What the channels say
/// together stays; what each says alone goes. The product of v's sum with u has one sign, whichever sign u
/// and v are given. Deterministic; in float64. Throws Error where the counts differ.
///
/// The most used library centres each column first ("eigen_smooth"), which makes about half of any map
/// negative and leaves the sign to chance.
Tensor principal_sum(const Tensor& activation, std::span<const double> weights);

/// The channels [1, C, H, W] projected on their first right singular vector v, sigma u, [H, W]: the best
/// single picture of them all. Signed so that its product with the channels' sum is not negative.
Tensor principal_projection(const Tensor& channels);

}  // namespace ablaze::cam
