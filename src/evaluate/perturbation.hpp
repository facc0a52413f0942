#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ablaze/tensor.hpp>

// Probes made of two others, a photo and what hides it. All are a network's inputs: planes one after the
// other, each of as many pixels as a map has.

namespace ablaze::evaluate {

/// A map brought to a network's input: [height, width], its least value at 0 and its largest at 1; zeros for
/// a flat map.
Tensor mask_of(const Tensor& map, std::int64_t height, std::int64_t width);

/// Whether a map has one value everywhere.
bool is_flat(const Tensor& map);

/// In which of `steps` steps each pixel's turn comes, counted from 1, the mask's highest pixel first; equal
/// ones in reading order. After step i the turn of floor(i pixels / steps) pixels has come.
std::vector<std::uint16_t> turns(const Tensor& mask, int steps);

/// Pixels whose turn has come by `step` from one probe, the others from the other.
void mix(std::span<const std::uint16_t> turns, int step, std::span<const float> come,
         std::span<const float> others, std::span<float> to);

/// hidden + mask (photo - hidden)
void blend(std::span<const float> mask, std::span<const float> photo, std::span<const float> hidden,
           std::span<float> to);

}  // namespace ablaze::evaluate
