#pragma once

namespace ablaze {

/// A rectangle in an image: x grows to the right, y downwards, both from the image's upper left corner. Whole
/// numbers are the edges of pixels, so that a rectangle of one pixel has width 1.
template <class Number>
struct BasicRectangle {
  Number x = 0, y = 0, width = 0, height = 0;

  Number right() const { return x + width; }
  Number bottom() const { return y + height; }
  bool operator==(const BasicRectangle&) const = default;
};

using Rectangle = BasicRectangle<double>;  ///< may end inside a pixel, and reach beyond the image
using PixelRectangle = BasicRectangle<int>;

}  // namespace ablaze
