#pragma once

#include <cstdint>
#include <vector>

namespace ablaze::cam {

/// The two source pixels on either side of a pixel of a resized line, and the fraction of the way from the
/// first to the second.
struct Between {
  std::int64_t first = 0, second = 0;
  double part = 0;
};

/// Source positions of the `to` pixels of a line with `from` source pixels: bilinear, pixel centres at half
/// pixels, edges clamped. PyTorch's align_corners=False.
std::vector<Between> bilinear_places(std::int64_t from, std::int64_t to);

}  // namespace ablaze::cam
