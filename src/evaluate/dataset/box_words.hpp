#pragma once

#include <span>
#include <string>
#include <string_view>

#include <ablaze/rectangle.hpp>

namespace ablaze::evaluate {

/// The sides of a box, as its file gives them.
struct BoxSides {
  double left = 0, top = 0, right = 0, bottom = 0;
};

/// A number, with white space around it. Throws Error with `where` first if it is none, or beyond the largest
/// photo.
double parse_number(std::string_view word, const std::string& where);

/// Parses a box from its left, top, right and bottom sides. A box without width or height is one of a pixel
/// or less. Throws Error with `where` first if there are not four numbers, or they are in another order.
BoxSides parse_box(std::span<const std::string_view> sides, const std::string& where);

/// All pixels that a rectangle touches; one at least.
PixelRectangle touched_pixels(const Rectangle& box);

}  // namespace ablaze::evaluate
