#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <ablaze/image.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::image {

/// A [h, w] map interpolated row by row: cubic interpolation (Keys, "Cubic Convolution Interpolation for
/// Digital Image Processing", 1981), edges clamped, values clamped to the map's range.
class SmoothMap {
 public:
  /// `columns`: the position of each output column, in map pixels (0 is the centre of the first).
  SmoothMap(const Tensor& map, std::span<const double> columns);

  /// One output row; `row` in map pixels, out.size() == columns.size().
  void sample(double row, std::span<float> out) const;

 private:
  std::int64_t height_ = 0;
  std::int64_t width_ = 0;   ///< output columns
  std::vector<float> wide_;  ///< [height_, width_]: interpolated along the rows
  float least_ = 0, largest_ = 0;
};

/// One axis of a photo relative to the crop of a map: the map position of each pixel, and the fraction of the
/// pixel inside the crop.
struct Axis {
  std::vector<double> position;  ///< in map pixels
  std::vector<float> inside;     ///< 0 to 1: an edge of the crop may cut through a pixel
};
Axis make_axis(int pixels, double begin, double length, std::int64_t map_pixels);

/// Throws Error if the crop is not finite or is empty.
void check_crop(const Rectangle& where, const char* purpose);

/// Throws Error if the tensor is not a map: [h, w] with at least one element.
void check_map(const Tensor& map, const char* purpose);

}  // namespace ablaze::image
