#pragma once

#include <cstdint>
#include <string_view>

#include <ablaze/image.hpp>

namespace ablaze::image {

enum class Filter { bilinear, bicubic };
/// Throws Error for any other name.
Filter parse_filter(std::string_view name);

/// Whole pixels of a picture.
struct Window {
  std::int64_t x = 0, y = 0, width = 0, height = 0;
};

/// The window of what Pillow's Image.resize would return, bit for bit: antialiased (the filter widens as the
/// picture shrinks), two passes of 22-bit fixed point with 8-bit pixels between them. Only the window is
/// computed, and memory depends on it and on the photo, not on width x height, which may be huge.
Image resample(const Image& photo, std::int64_t width, std::int64_t height, const Window& window,
               Filter filter);

}  // namespace ablaze::image
