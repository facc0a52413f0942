#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <ablaze/error.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::formats {

// All formats here are little-endian, and weights are used in place, as views of the file.
static_assert(std::endian::native == std::endian::little, "ablaze runs on little-endian machines");

/// No real tensor has more axes; a file with more is malformed.
inline constexpr std::size_t kMostAxes = 16;
/// No real network has more tensors: bounds the work caused by a hostile file.
inline constexpr std::size_t kMostTensors = 100'000;

/// The error for a malformed file: "'NAME': WHAT".
Error malformed(std::string_view name, std::string_view what);

/// Text from a file in quotes, safe to print.
std::string in_quotes(std::string_view text);

/// Bytes of a dense tensor; nothing where the product exceeds 62 bits or an axis is negative.
std::optional<std::uint64_t> dense_bytes(const Shape& shape, std::size_t element);

/// float64 numbers narrowed to a float32 tensor. bytes.size() must be 8 * element_count(shape).
Tensor narrowed(Shape shape, std::span<const std::byte> bytes);

/// Whether [begin, begin + size) lies in a file of `limit` bytes, without overflow.
constexpr bool lies_within(std::uint64_t begin, std::uint64_t size, std::uint64_t limit) {
  return begin <= limit && size <= limit - begin;
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline bool starts_with(std::span<const std::byte> bytes, std::string_view text) {
  return as_text(bytes).starts_with(text);
}

/// Reads forward through bytes; throws Error at a read past the end.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string_view name, std::string_view part)
      : bytes_(bytes), name_(name), part_(part) {}

  std::span<const std::byte> take(std::uint64_t count);
  std::string_view text(std::uint64_t count) { return as_text(take(count)); }
  /// The text up to the next newline; skips the newline.
  std::string_view line();
  void skip(std::uint64_t count) { take(count); }

  template <class Number>
  Number number() {
    Number value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }

  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }

 private:
  std::span<const std::byte> bytes_;
  std::string_view name_;  ///< of the file
  std::string_view part_;  ///< the part being read: "the zip directory"
  std::size_t position_ = 0;
};

}  // namespace ablaze::formats
