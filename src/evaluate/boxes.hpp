#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ablaze/evaluate.hpp>
#include <ablaze/image.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::evaluate {

/// A place in the photo, in its pixels; whole numbers are pixels' edges.
struct Point {
  double x = 0, y = 0;
};

/// The middle of a pixel of the network's input in the photo, of which the network saw `seen` as width x
/// height pixels.
Point in_photo(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, const CropBox& seen);

/// How far a point lies beside the nearest box; 0 inside of one.
double distance(const Point& point, std::span<const Box> boxes);

/// Where a mask is highest: of several pixels the one nearest to their mean, which is the middle of a summit
/// cut flat; of equally near ones the first in reading order.
Point summit(const Tensor& mask, const CropBox& seen);

/// What share of a mask's sum lies in pixels whose middle is inside a box; 0 for a mask of zeros.
struct Energy {
  double share = 0;
  std::int64_t pixels = 0;  ///< inside
};
Energy energy_inside(const Tensor& mask, std::span<const Box> boxes, const CropBox& seen);

/// Throws Error for a box without pixels or beyond the photo.
void require_inside(std::span<const Box> boxes, const Image& photo);

}  // namespace ablaze::evaluate
