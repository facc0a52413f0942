#pragma once

#include <span>

namespace ablaze::image {

// The files of font/, embedded by the build.
std::span<const unsigned char> inter_regular();
std::span<const unsigned char> inter_semibold();

}  // namespace ablaze::image
