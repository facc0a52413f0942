#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ablaze/image.hpp>

namespace ablaze::image {

struct FreeDecoded {
  void operator()(std::uint8_t* buffer) const noexcept;
};

/// Pixels in stb_image's layout: row-major, `channels` bytes each.
struct DecodedPixels {
  int width = 0;
  int height = 0;
  std::unique_ptr<std::uint8_t[], FreeDecoded> bytes;  ///< null if decoding failed
  bool over_limit = false;                             ///< it failed because of the memory limit
};

/// Decodes a JPEG or PNG, checked before by check_jpeg or check_png, to 3 (RGB) or 4 (RGBA) channels of 8
/// bits. The decoder uses at most `memory_limit` bytes. Throws std::bad_alloc.
DecodedPixels stb_decode(std::span<const std::byte> file, int channels, std::uint64_t memory_limit);

/// What a zlib stream holds; nothing where it is damaged or longer than `most_bytes`. Throws std::bad_alloc.
std::vector<std::byte> stb_inflate(std::span<const std::byte> zlib, std::size_t most_bytes);

/// "stb_image 2.27"
std::string stb_name();

/// Throws std::bad_alloc.
std::vector<std::byte> stb_encode_png(const Image& image);

}  // namespace ablaze::image
