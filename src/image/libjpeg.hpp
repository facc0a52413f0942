#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <ablaze/image.hpp>

#include "image/header.hpp"
#include "image/jpeg.hpp"

namespace ablaze::image {

/// "libjpeg-turbo 2.1.5"
std::string libjpeg_name();

/// Decodes a JPEG whose header was read by read_jpeg_header, to the pixels that Pillow's convert("RGB") makes
/// of it, as stored. Notes what is odd about its end or damaged inside. Throws Error with the file's name
/// where rows or scans are missing, where the data cannot be decoded, and where that takes more than
/// `memory_limit` bytes; and std::bad_alloc.
Image libjpeg_decode(std::span<const std::byte> file, const Header& header, std::uint64_t memory_limit,
                     const std::string& name, Notes& notes);

}  // namespace ablaze::image
