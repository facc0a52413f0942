#include "image/orientation.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace ablaze::image {
namespace {

/// The walk over the stored image while the upright one is written row by row: the start, and the steps to
/// the right and down, in stored pixels.
struct Walk {
  std::ptrdiff_t start, right, down;
};

Walk walk_of(int orientation, std::ptrdiff_t width, std::ptrdiff_t height) {
  const std::ptrdiff_t last_x = width - 1, last_y = (height - 1) * width;
  switch (orientation) {
    case 2:
      return {last_x, -1, width};  // mirrored left to right
    case 3:
      return {last_y + last_x, -1, -width};  // upside down
    case 4:
      return {last_y, 1, -width};  // mirrored top to bottom
    case 5:
      return {0, width, 1};  // transposed
    case 6:
      return {last_y, -width, 1};  // turned 90 degrees clockwise
    case 7:
      return {last_y + last_x, -width, -1};  // transposed across the other diagonal
    case 8:
      return {last_x, width, -1};  // turned 90 degrees counter-clockwise
    default:
      return {0, 1, width};
  }
}

}  // namespace

Image oriented(Image stored, int orientation) {
  if (orientation <= 1 || orientation > 8) return stored;
  const bool turned = orientation >= 5;
  Image upright(turned ? stored.height() : stored.width(), turned ? stored.width() : stored.height());
  const Walk walk = walk_of(orientation, stored.width(), stored.height());
  const std::uint8_t* const from = stored.pixels().data();
  std::uint8_t* to = upright.pixels().data();
  for (std::ptrdiff_t y = 0; y < upright.height(); ++y) {
    for (std::ptrdiff_t x = 0; x < upright.width(); ++x, to += 3) {
      std::copy_n(from + 3 * (walk.start + x * walk.right + y * walk.down), 3, to);
    }
  }
  return upright;
}

}  // namespace ablaze::image
