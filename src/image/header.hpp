#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ablaze::image {

/// What a picture file's structure tells before a pixel is decoded.
struct Header {
  std::int64_t width = 0;  ///< as stored, before the orientation is applied
  std::int64_t height = 0;
  int orientation = 1;  ///< EXIF's, 1 to 8
};

/// Walk a file's segments (chunks) from end to end without decoding: dimensions, orientation, and that
/// nothing is missing that the decoder takes for granted. Throw Error, naming the file, where it is
/// truncated, damaged, too large or of a kind that is not supported.
Header check_jpeg(std::span<const std::byte> bytes, const std::string& name);
Header check_png(std::span<const std::byte> bytes, const std::string& name);

/// Throws Error where a picture is empty or beyond Image::max_side and Image::max_pixels.
void check_dimensions(std::int64_t width, std::int64_t height, const std::string& name);

}  // namespace ablaze::image
