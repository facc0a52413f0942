#include "evaluate/dataset/box_words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "base/text.hpp"
#include "formats/text_file.hpp"

namespace ablaze::evaluate {

double parse_number(std::string_view word, const std::string& where) {
  const std::string_view text = formats::trimmed(word);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // A box may extend slightly beyond its photo; a number beyond any photo is an error in the file.
  if (error != std::errc{} || end != text.data() + text.size() || !(std::abs(value) <= 2 * Image::max_side)) {
    throw Error(where + ": expected a number of pixels as a box's side, found \"" + base::printable(text) +
                "\"");
  }
  return value;
}

BoxSides parse_box(std::span<const std::string_view> sides, const std::string& where) {
  if (sides.size() != 4) {
    throw Error(where + ": expected a box of four numbers (left, top, right, bottom), found " +
                std::to_string(sides.size()));
  }
  std::array<double, 4> v{};
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = parse_number(sides[i], where);
  if (!(v[0] <= v[2] && v[1] <= v[3])) {
    throw Error(where + ": expected a box with left <= right and top <= bottom, found " +
                std::string(sides[0]) + " " + std::string(sides[1]) + " " + std::string(sides[2]) + " " +
                std::string(sides[3]));
  }
  return {v[0], v[1], v[2], v[3]};
}

PixelRectangle touched_pixels(const Rectangle& box) {
  const auto left = static_cast<int>(std::floor(box.x)), top = static_cast<int>(std::floor(box.y));
  const auto right = static_cast<int>(std::ceil(box.right())),
             bottom = static_cast<int>(std::ceil(box.bottom()));
  return {left, top, std::max(right - left, 1), std::max(bottom - top, 1)};
}

}  // namespace ablaze::evaluate
