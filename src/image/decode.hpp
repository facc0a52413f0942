#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <ablaze/image.hpp>

#include "image/jpeg.hpp"

namespace ablaze::image {

enum class JpegDecoder { libjpeg, stb };

/// Those of this build; the first decodes.
std::span<const JpegDecoder> jpeg_decoders();

/// "libjpeg-turbo 2.1.5", "stb_image 2.27"
std::string to_string(JpegDecoder decoder);

/// Image::decode by one of jpeg_decoders().
Image decode(std::span<const std::byte> bytes, const std::string& name, Notes& notes, JpegDecoder decoder);

}  // namespace ablaze::image
