#pragma once

#include <span>
#include <string>
#include <string_view>

#include <ablaze/evaluate.hpp>

namespace ablaze::evaluate {

/// A box from the words for its left, top, right and bottom sides: pixels, which may be fractions; the box is
/// made of all pixels that it touches. Throws Error, `where` first: not four, no numbers, empty, beyond the
/// largest photo.
Box parse_box(std::span<const std::string_view> sides, const std::string& where);

}  // namespace ablaze::evaluate
