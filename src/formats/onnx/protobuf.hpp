#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bytes.hpp"

namespace ablaze::formats {

/// One field of a protobuf message in wire format.
struct WireField {
  enum class Kind : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
  std::uint32_t number = 0;
  Kind kind = Kind::varint;
  std::uint64_t value = 0;           ///< varint, fixed32 and fixed64
  std::span<const std::byte> bytes;  ///< bytes: a string, a message or packed numbers

  std::string_view text() const { return as_text(bytes); }
  std::int64_t integer() const { return static_cast<std::int64_t>(value); }
  float real() const;  ///< of a fixed32
};

/// Reads the fields of a message in order; throws Error where a field exceeds the message. Nested messages
/// get readers of their own over WireField::bytes, so that nothing here recurses.
class WireReader {
 public:
  WireReader(std::span<const std::byte> message, std::string_view file)
      : reader_(message, file, "the protobuf message"), file_(file) {}

  /// Whether there was another field.
  bool next(WireField& field);

 private:
  std::uint64_t varint();

  ByteReader reader_;
  std::string_view file_;
};

/// Appends the values of a repeated number field, single or packed.
void append_integers(const WireField& field, std::string_view file, std::vector<std::int64_t>& out);
void append_floats(const WireField& field, std::string_view file, std::vector<float>& out);

}  // namespace ablaze::formats
