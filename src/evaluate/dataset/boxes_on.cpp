#include <algorithm>
#include <cmath>

#include <ablaze/error.hpp>

#include "evaluate/dataset/box_words.hpp"
#include "evaluate/dataset/dataset.hpp"

namespace ablaze::evaluate {

namespace {

std::string size_text(double width, double height) {
  return std::to_string(std::llround(width)) + "x" + std::to_string(std::llround(height));
}

/// Whether the picture of the boxes is the photo in another size: sides are whole numbers, so that their
/// proportion is not exact.
bool same_shape(const DrawnIn& drawn, double width, double height) {
  const double across = width / drawn.width, down = height / drawn.height;
  const double shortest = std::min({drawn.width, drawn.height, width, height});
  return std::abs(across / down - 1) <= 0.005 + 1 / shortest;
}

/// Moves the ends of [begin, begin + length) that lie slightly beyond [0, size) to the edges. Rounding, and
/// programs that count from 0 or 1 like others do not, are off by a pixel or two.
void clip(int& begin, int& length, int size) {
  const int slack = std::max(2, size / 100);
  const int end = begin + length;
  if (begin >= -slack && begin < 0 && end > 0) begin = 0;
  const int new_end = end > size && end <= size + slack && begin < size ? size : end;
  length = new_end - begin;
}

}  // namespace

std::vector<PixelRectangle> boxes_on(const DatasetPhoto& photo, int width, int height) {
  const DrawnIn& drawn = photo.drawn_in;
  double across = 1, down = 1;
  if (drawn.width == 1 && drawn.height == 1) {
    across = width, down = height;
  } else if (drawn.width > 0 && !photo.boxes.empty()) {
    if (!same_shape(drawn, width, height)) {
      const bool turned = drawn.width == height && drawn.height == width;
      throw Error("the boxes are drawn in a picture of " + size_text(drawn.width, drawn.height) +
                  " pixels, but the photo has " + size_text(width, height) +
                  (turned
                       ? ", turned upright as its EXIF orientation says: annotate the upright photo"
                       : ": it is cropped or stretched, so that the boxes do not fit; give the photo of the "
                         "annotation"));
    }
    across = width / drawn.width, down = height / drawn.height;
  }
  std::vector<PixelRectangle> boxes;
  for (const Rectangle& box : photo.boxes) {
    // Rounding errors of a product do not touch another pixel.
    constexpr double grain = 4096;
    const auto scaled = [](double value, double factor) {
      return std::round(value * factor * grain) / grain;
    };
    const double left = scaled(box.x, across), top = scaled(box.y, down);
    PixelRectangle pixels =
        touched_pixels({left, top, scaled(box.right(), across) - left, scaled(box.bottom(), down) - top});
    clip(pixels.x, pixels.width, width);
    clip(pixels.y, pixels.height, height);
    // A box without width at the right edge is its last pixel.
    if (pixels.x == width && box.width == 0) --pixels.x;
    if (pixels.y == height && box.height == 0) --pixels.y;
    boxes.push_back(pixels);
  }
  return boxes;
}

}  // namespace ablaze::evaluate
