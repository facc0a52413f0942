#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

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

/// Throws Error unless the tensor is a map: [h, w] with at least one element.
void check_map(const Tensor& map, const char* purpose);

}  // namespace ablaze::image
