#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <ablaze/image.hpp>

namespace ablaze::image {

struct FreeDecoded {
  void operator()(std::uint8_t* buffer) const noexcept;
};

/// Pixels as stb_image leaves them: row-major, `channels` bytes each.
struct DecodedPixels {
  int width = 0;
  int height = 0;
  std::unique_ptr<std::uint8_t[], FreeDecoded> bytes;  ///< absent where the decoder gave up
  bool over_limit = false;                             ///< it gave up because the limit was reached
};

/// Decodes a JPEG or PNG that check_jpeg or check_png has passed, to 3 (RGB) or 4 (RGBA) channels of 8 bits;
/// the decoder never holds more than `memory_limit` bytes. Throws std::bad_alloc.
DecodedPixels stb_decode(std::span<const std::byte> file, int channels, std::uint64_t memory_limit);

/// Throws std::bad_alloc.
std::vector<std::byte> stb_encode_png(const Image& image);

}  // namespace ablaze::image
