#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace ablaze::image {

/// Reads big-endian numbers, as in JPEG and PNG. The caller has checked the bounds.
inline unsigned read_u8(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<unsigned>(bytes[at]);
}
inline unsigned read_be16(std::span<const std::byte> bytes, std::size_t at) {
  return read_u8(bytes, at) << 8 | read_u8(bytes, at + 1);
}
inline std::uint32_t read_be32(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(read_be16(bytes, at)) << 16 | read_be16(bytes, at + 2);
}

/// Whether the bytes at an offset are `magic`.
inline bool has_at(std::span<const std::byte> bytes, std::size_t at, std::string_view magic) {
  return at <= bytes.size() && bytes.size() - at >= magic.size() &&
         std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

}  // namespace ablaze::image
