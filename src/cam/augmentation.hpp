#pragma once

#include <vector>

#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// A view of an input for test-time augmentation: another size, a left-to-right mirror image, or both.
struct View {
  Shape input;  ///< [1, C, H, W]
  bool mirrored = false;
};

/// The views of an input [1, C, H, W]: its own size, then about 0.85 and 1.15 of it, each plain and mirrored.
/// Scaled sides of at least 16 pixels are multiples of 16, so that a network's strides fit; equal sizes occur
/// once. The first view is the unchanged input.
std::vector<View> views_of(const Shape& input);

/// The input of a view: bilinear between pixel centres, edges clamped. Values in float32, weights in float64.
Tensor seen_through(const View& view, const Tensor& input);

/// A view's map [h, w], mirrored back and resized to [height, width] (cubic, edges clamped).
Tensor turned_back(const View& view, const Tensor& map, int width, int height);

}  // namespace ablaze::cam
