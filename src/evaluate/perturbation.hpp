#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ablaze/tensor.hpp>

// Probes that mix two images: the photo and a baseline. All are network inputs: consecutive planes, each with
// as many pixels as a map.

namespace ablaze::evaluate {

/// A map resized to a network's input, [height, width], and scaled to [0, 1] by its minimum and maximum;
/// zeros for a constant map.
Tensor mask_of(const Tensor& map, std::int64_t height, std::int64_t width);

/// Whether a map is constant.
bool is_flat(const Tensor& map);

/// For each pixel the step, 1 to `steps`, at which it changes: the highest mask values first, ties in reading
/// order. After step i, floor(i pixels / steps) pixels have changed.
std::vector<std::uint16_t> turns(const Tensor& mask, int steps);

/// Takes pixels that have changed by `step` from one probe, all others from the other.
void mix(std::span<const std::uint16_t> turns, int step, std::span<const float> come,
         std::span<const float> others, std::span<float> to);

/// hidden + mask (photo - hidden)
void blend(std::span<const float> mask, std::span<const float> photo, std::span<const float> hidden,
           std::span<float> to);

}  // namespace ablaze::evaluate
