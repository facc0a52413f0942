#include "formats/onnx/protobuf.hpp"

#include <bit>

namespace ablaze::formats {
namespace {

std::uint64_t read_varint(ByteReader& reader, std::string_view file) {
  constexpr int longest = 10;
  std::uint64_t value = 0;
  for (int i = 0; i < longest; ++i) {
    const std::uint64_t byte = reader.u8();
    value |= (byte & 0x7F) << (7 * i);
    if (byte < 0x80) return value;
  }
  throw malformed(file,
                  "a number in its protobuf message does not end; the file is damaged, download it again");
}

}  // namespace

float WireField::real() const { return std::bit_cast<float>(static_cast<std::uint32_t>(value)); }

std::uint64_t WireReader::varint() { return read_varint(reader_, file_); }

bool WireReader::next(WireField& field) {
  if (reader_.left() == 0) return false;
  const std::uint64_t key = varint();
  constexpr std::uint64_t most = (std::uint64_t{1} << 29) - 1;
  const std::uint64_t number = key >> 3;
  if (number == 0 || number > most)
    throw malformed(file_, "a field in its protobuf message has the number " + std::to_string(number) +
                               "; the file is damaged or of another kind");
  field = {};
  field.number = static_cast<std::uint32_t>(number);
  switch (key & 7) {
    case 0:
      field.value = varint();
      break;
    case 1:
      field.kind = WireField::Kind::fixed64;
      field.value = reader_.u64();
      break;
    case 2:
      field.kind = WireField::Kind::bytes;
      field.bytes = reader_.take(varint());
      break;
    case 5:
      field.kind = WireField::Kind::fixed32;
      field.value = reader_.u32();
      break;
    default:
      throw malformed(file_, "a field in its protobuf message is of the unknown kind " +
                                 std::to_string(key & 7) + "; the file is damaged or of another kind");
  }
  return true;
}

void append_integers(const WireField& field, std::string_view file, std::vector<std::int64_t>& out) {
  if (field.kind != WireField::Kind::bytes) {
    out.push_back(field.integer());
    return;
  }
  ByteReader packed(field.bytes, file, "a list of numbers");
  while (packed.left() > 0) out.push_back(static_cast<std::int64_t>(read_varint(packed, file)));
}

void append_floats(const WireField& field, std::string_view file, std::vector<float>& out) {
  if (field.kind != WireField::Kind::bytes) {
    out.push_back(field.real());
    return;
  }
  ByteReader packed(field.bytes, file, "a list of numbers");
  while (packed.left() > 0) out.push_back(packed.number<float>());
}

}  // namespace ablaze::formats
