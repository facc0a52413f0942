#pragma once

#include <cstdint>

#include <ablaze/image.hpp>

namespace ablaze::image {

/// A window of a resized image, which may be huge, in whole pixels.
using Window = BasicRectangle<std::int64_t>;

/// A window of the result of Pillow's Image.resize, bit for bit: antialiased (the filter widens as the image
/// shrinks), two passes in 22-bit fixed point with 8-bit pixels between them. Computes only the window;
/// memory depends on it and on the photo, not on width x height, which may be huge.
Image resample(const Image& photo, std::int64_t width, std::int64_t height, const Window& window,
               Interpolation interpolation);

}  // namespace ablaze::image
