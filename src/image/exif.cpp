#include "image/exif.hpp"

#include <cstdint>
#include <string_view>

#include "image/bytes.hpp"

namespace ablaze::image {
namespace {

using namespace std::string_view_literals;

constexpr unsigned kTagOrientation = 0x0112;
constexpr unsigned kTypeShort = 3;
constexpr std::size_t kEntryBytes = 12;

/// Numbers of a TIFF block in its own byte order; positions outside the block read as 0.
struct TiffReader {
  std::span<const std::byte> bytes;
  bool little_endian = false;

  unsigned u8(std::size_t at) const { return at < bytes.size() ? read_u8(bytes, at) : 0; }
  unsigned u16(std::size_t at) const {
    return little_endian ? u8(at) | u8(at + 1) << 8 : u8(at) << 8 | u8(at + 1);
  }
  std::uint32_t u32(std::size_t at) const {
    return little_endian ? u16(at) | u16(at + 2) << 16 : u16(at) << 16 | u16(at + 2);
  }
};

}  // namespace

int exif_orientation(std::span<const std::byte> tiff) {
  const bool little_endian = has_at(tiff, 0, "II*\0"sv);
  if (!little_endian && !has_at(tiff, 0, "MM\0*"sv)) return 1;
  const TiffReader in{tiff, little_endian};
  const std::size_t directory = in.u32(4);
  const std::size_t entries = in.u16(directory);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntryBytes;
    if (entry + kEntryBytes > tiff.size()) break;
    if (in.u16(entry) != kTagOrientation) continue;
    const unsigned value = in.u16(entry + 8);
    const bool valid = in.u16(entry + 2) == kTypeShort && in.u32(entry + 4) == 1 && value >= 1 && value <= 8;
    return valid ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace ablaze::image
