#include "image/exif.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "image/bytes.hpp"

namespace ablaze::image {
namespace {

using namespace std::string_view_literals;

constexpr unsigned kTagOrientation = 0x0112;
constexpr std::size_t kEntryBytes = 12;

/// TIFF's types of values by their numbers, and the bytes of each; 0: not known, as to Pillow.
enum Type : unsigned {
  type_short = 3,
  type_long = 4,
  type_rational = 5,
  type_signed_byte = 6,
  type_signed_short = 8,
  type_signed_long = 9,
  type_signed_rational = 10,
  type_float = 11,
  type_double = 12,
  type_directory = 13,
  type_long8 = 16
};
constexpr std::array<std::uint64_t, 17> kTypeBytes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};

/// Numbers of a TIFF block in its own byte order; the caller has checked the bounds.
struct TiffReader {
  std::span<const std::byte> bytes;
  bool little_endian = false;

  unsigned u8(std::size_t at) const { return read_u8(bytes, at); }
  unsigned u16(std::size_t at) const {
    return little_endian ? u8(at) | u8(at + 1) << 8 : u8(at) << 8 | u8(at + 1);
  }
  std::uint32_t u32(std::size_t at) const {
    return little_endian ? u16(at) | static_cast<std::uint32_t>(u16(at + 2)) << 16
                         : static_cast<std::uint32_t>(u16(at)) << 16 | u16(at + 2);
  }
  std::uint64_t u64(std::size_t at) const {
    const std::uint64_t first = u32(at), second = u32(at + 4);
    return little_endian ? first | second << 32 : first << 32 | second;
  }
  bool has(std::uint64_t at, std::uint64_t size) const {
    return at <= bytes.size() && size <= bytes.size() - at;
  }
};

/// The orientation that numerator / denominator is; 1 where it is none.
int orientation_of(std::int64_t numerator, std::int64_t denominator = 1) {
  for (int orientation = 2; denominator != 0 && orientation <= 8; ++orientation) {
    if (numerator == orientation * denominator) return orientation;
  }
  return 1;
}

int real_orientation(double value) {
  return value >= 2 && value <= 8 && value == static_cast<int>(value) ? static_cast<int>(value) : 1;
}

/// The first value of an entry; bytes and text are no number.
int read_orientation(const TiffReader& in, unsigned type, std::size_t at) {
  switch (type) {
    case type_short:
      return orientation_of(in.u16(at));
    case type_long:
    case type_directory:
      return orientation_of(in.u32(at));
    case type_signed_byte:
      return orientation_of(static_cast<std::int8_t>(in.u8(at)));
    case type_signed_short:
      return orientation_of(static_cast<std::int16_t>(in.u16(at)));
    case type_signed_long:
      return orientation_of(static_cast<std::int32_t>(in.u32(at)));
    case type_rational:
      return orientation_of(in.u32(at), in.u32(at + 4));
    case type_signed_rational:
      return orientation_of(static_cast<std::int32_t>(in.u32(at)), static_cast<std::int32_t>(in.u32(at + 4)));
    case type_float:
      return real_orientation(static_cast<double>(std::bit_cast<float>(in.u32(at))));
    case type_double:
      return real_orientation(std::bit_cast<double>(in.u64(at)));
    case type_long8:
      return in.u64(at) <= 8 ? orientation_of(static_cast<std::int64_t>(in.u64(at))) : 1;
    default:
      return 1;
  }
}

}  // namespace

std::optional<int> exif_orientation(std::span<const std::byte> tiff) {
  // Pillow also takes 42 with its bytes swapped, and the number of a BigTIFF file in one of the orders.
  const bool little_endian = has_at(tiff, 0, "II*\0"sv) || has_at(tiff, 0, "II\0*"sv);
  if (!little_endian && !has_at(tiff, 0, "MM\0*"sv) && !has_at(tiff, 0, "MM*\0"sv) &&
      !has_at(tiff, 0, "MM\0+"sv))
    return {};
  const TiffReader in{tiff, little_endian};
  if (!in.has(4, 4)) return {};
  const std::uint64_t directory = in.u32(4);
  if (!in.has(directory, 2)) return {};

  std::optional<int> orientation;
  const std::uint64_t entries = in.u16(directory);
  for (std::uint64_t i = 0; i < entries; ++i) {
    const std::uint64_t entry = directory + 2 + i * kEntryBytes;
    if (!in.has(entry, kEntryBytes)) break;
    const unsigned type = in.u16(entry + 2);
    const std::uint64_t size = type < kTypeBytes.size() ? kTypeBytes[type] * in.u32(entry + 4) : 0;
    if (size == 0) continue;
    const std::uint64_t at = size <= 4 ? entry + 8 : in.u32(entry + 8);
    if (!in.has(at, size)) break;
    if (in.u16(entry) == kTagOrientation) orientation = read_orientation(in, type, at);
  }
  return orientation;
}

std::optional<int> prefixed_exif_orientation(std::span<const std::byte> block) {
  constexpr auto prefix = "Exif\0\0"sv;
  return exif_orientation(has_at(block, 0, prefix) ? block.subspan(prefix.size()) : block);
}

}  // namespace ablaze::image
