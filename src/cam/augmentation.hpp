#pragma once

#include <vector>

#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// A way to look at an input for test-time augmentation: at another size, mirrored left to right, or both.
struct View {
  Shape input;  ///< [1, C, H, W]
  bool mirrored = false;
};

/// The views of an input [1, C, H, W]: its own size first, then about 0.85 and 1.15 of it (sides in steps of
/// 16 where they have as many, so that a network's strides fit), sizes that would be one taken once; each
/// plain and mirrored. The first is the input as it is.
std::vector<View> views_of(const Shape& input);

/// The input as the view shows it: bilinear between pixel centres, edges clamped. Values in float32, weights
/// in float64.
Tensor seen_through(const View& view, const Tensor& input);

/// A view's map [h, w] turned back and brought to [height, width] (cubic, edges clamped).
Tensor turned_back(const View& view, const Tensor& map, int width, int height);

}  // namespace ablaze::cam
