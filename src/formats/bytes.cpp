#include "formats/bytes.hpp"

#include <utility>

#include "base/text.hpp"

namespace ablaze::formats {

std::string in_quotes(std::string_view text) { return "'" + base::printable(text) + "'"; }

Error malformed(std::string_view name, std::string_view what) {
  return Error("'" + base::printable(name, 400) + "': " + std::string(what));
}

std::optional<std::uint64_t> dense_bytes(const Shape& shape, std::size_t element) {
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  std::uint64_t bytes = element;
  for (const std::int64_t n : shape) {
    if (n < 0) return std::nullopt;
    const auto axis = static_cast<std::uint64_t>(n);
    if (axis > 0 && bytes > most / axis) return std::nullopt;
    bytes *= axis;
  }
  return bytes;
}

Tensor narrowed(Shape shape, std::span<const std::byte> bytes) {
  Tensor tensor(std::move(shape));
  const std::byte* from = bytes.data();
  for (float& value : tensor.values()) {
    double wide = 0;
    std::memcpy(&wide, from, sizeof wide);
    value = static_cast<float>(wide);
    from += sizeof wide;
  }
  return tensor;
}

std::span<const std::byte> ByteReader::take(std::uint64_t count) {
  if (count > left()) {
    throw malformed(name_, std::string(part_) + " ends too early: " + std::to_string(count) +
                               " bytes expected at byte " + std::to_string(position_) + ", " +
                               std::to_string(left()) +
                               " found; the file is damaged or truncated, download it again");
  }
  const auto taken = bytes_.subspan(position_, count);
  position_ += taken.size();
  return taken;
}

std::string_view ByteReader::line() {
  const std::string_view rest = as_text(bytes_.subspan(position_));
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) take(rest.size() + 1);
  const std::string_view found = text(end);
  skip(1);
  return found;
}

}  // namespace ablaze::formats
