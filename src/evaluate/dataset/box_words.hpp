#pragma once

#include <span>
#include <string>
#include <string_view>

#include <ablaze/evaluate.hpp>

namespace ablaze::evaluate {

/// Parses a box from its left, top, right and bottom sides in pixels, which may be fractions; the box
/// consists of all pixels that it touches. Throws Error with `where` first if there are not four numbers, or
/// the box is empty or beyond the largest photo.
PixelRectangle parse_box(std::span<const std::string_view> sides, const std::string& where);

}  // namespace ablaze::evaluate
