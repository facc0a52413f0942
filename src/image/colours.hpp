#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <ablaze/image.hpp>

namespace ablaze::image {

/// `count` >= 2 colours of a map, evenly spaced from 0 to 1, for drawing whole images.
std::vector<std::array<std::uint8_t, 3>> colour_table(ColourMap map, int count);

}  // namespace ablaze::image
