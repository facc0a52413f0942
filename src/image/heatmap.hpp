#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <ablaze/image.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::image {

/// A [h, w] map looked up smoothly, row by row: cubic interpolation (Keys, "Cubic Convolution Interpolation
/// for Digital Image Processing", 1981), edges clamped, never beyond the map's own range.
class SmoothMap {
 public:
  /// `columns`: where each output column lies, in map pixels (0 is the first one's centre).
  SmoothMap(const Tensor& map, std::span<const double> columns);

  /// One output row; `row` in map pixels, out.size() == columns.size().
  void sample(double row, std::span<float> out) const;

 private:
  std::int64_t height_ = 0;
  std::int64_t width_ = 0;   ///< output columns
  std::vector<float> wide_;  ///< [height_, width_]: interpolated along the rows already
  float least_ = 0, largest_ = 0;
};

/// One axis of a photo against the crop that a map covers: where each pixel lies on the map, and how much of
/// it is inside.
struct Axis {
  std::vector<double> position;  ///< in map pixels
  std::vector<float> inside;     ///< 0 to 1: a crop's edge may cut through a pixel
};
Axis make_axis(int pixels, double begin, double length, std::int64_t map_pixels);

/// Throws Error unless the crop is finite and not empty.
void check_crop(const CropBox& where, const char* purpose);

/// Throws Error unless the tensor is a map: [h, w] with at least one element.
void check_map(const Tensor& map, const char* purpose);

}  // namespace ablaze::image
