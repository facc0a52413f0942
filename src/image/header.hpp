#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ablaze::image {

/// An image file's properties, known before decoding.
struct Header {
  std::int64_t width = 0;  ///< as stored, before the orientation is applied
  std::int64_t height = 0;
  int orientation = 1;  ///< EXIF's, 1 to 8
};

/// Walks all chunks of a PNG without decoding: reads dimensions and orientation, and checks that all parts
/// exist that the decoder assumes. Throws Error with the file's name if it is truncated, damaged, too large
/// or of an unsupported kind.
Header check_png(std::span<const std::byte> bytes, const std::string& name);

/// Throws Error if an image is empty or exceeds Image::max_side or Image::max_pixels.
void check_dimensions(std::int64_t width, std::int64_t height, const std::string& name);

}  // namespace ablaze::image
