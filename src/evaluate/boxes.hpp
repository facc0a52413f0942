#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ablaze/evaluate.hpp>
#include <ablaze/image.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::evaluate {

/// A point in the photo, in its pixels; pixel edges are whole numbers.
struct Point {
  double x = 0, y = 0;
};

/// The centre of a pixel of the network's input as a point of the photo. The network's input is `seen`,
/// resized to width x height pixels.
Point in_photo(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height,
               const Rectangle& seen);

/// The distance of a point from the nearest box; 0 inside a box.
double distance(const Point& point, std::span<const PixelRectangle> boxes);

/// The location of a mask's maximum: of several pixels the one nearest to their mean, which is the centre of
/// a plateau; ties: the first in reading order.
Point summit(const Tensor& mask, const Rectangle& seen);

/// The share of a mask's sum in pixels whose centre is inside a box; 0 for a mask of zeros.
struct Energy {
  double share = 0;
  std::int64_t pixels = 0;  ///< inside
};
Energy energy_inside(const Tensor& mask, std::span<const PixelRectangle> boxes, const Rectangle& seen);

/// Throws Error for a box that is empty or extends beyond the photo.
void require_inside(std::span<const PixelRectangle> boxes, const Image& photo);

}  // namespace ablaze::evaluate
