#pragma once

#include <cstdint>
#include <vector>

namespace ablaze::cam {

/// The two source pixels that a pixel of a resized line lies between, and how far it is from the first to the
/// second.
struct Between {
  std::int64_t first = 0, second = 0;
  double part = 0;
};

/// Where the `to` pixels of a line lie among its `from` source pixels: bilinear, pixels' centres half a pixel
/// inside, edges clamped. PyTorch's align_corners=False.
std::vector<Between> bilinear_places(std::int64_t from, std::int64_t to);

}  // namespace ablaze::cam
