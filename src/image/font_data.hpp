#pragma once

#include <span>

namespace ablaze::image {

// The files of font/, as the build embeds them.
std::span<const unsigned char> inter_regular();
std::span<const unsigned char> inter_semibold();

}  // namespace ablaze::image
