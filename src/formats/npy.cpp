#include "formats/npy.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/files.hpp"
#include "base/text.hpp"
#include "formats/bytes.hpp"
#include "tensor/half.hpp"

namespace ablaze::formats {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kHeaderAlignment = 64;

/// The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 224, 224), }
struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  Header parse() {
    Header header;
    expect("{");
    while (!accept("}")) {
      const std::string key = text();
      expect(":");
      if (key == "descr" && !header.descr)
        header.descr = text();
      else if (key == "fortran_order" && !header.fortran_order)
        header.fortran_order = truth();
      else if (key == "shape" && !header.shape)
        header.shape = shape();
      else
        throw error();
      if (accept("}")) break;
      expect(",");
    }
    skip_spaces();
    if (!rest_.empty() || !header.descr || !header.fortran_order || !header.shape) throw error();
    return header;
  }

 private:
  Error error() const {
    return malformed(name_, "its .npy header is not as NumPy writes it, at " +
                                in_quotes(rest_.substr(0, 20)) + "; write the array again with numpy.save");
  }
  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }
  bool accept(std::string_view token) {
    skip_spaces();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) throw error();
  }
  std::string text() {
    const char quote = accept("'") ? '\'' : '"';
    if (quote == '"') expect("\"");
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) throw error();
    std::string found(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return found;
  }
  bool truth() {
    if (accept("True")) return true;
    expect("False");
    return false;
  }
  std::int64_t natural() {
    skip_spaces();
    std::int64_t value = -1;
    const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (code != std::errc() || value < 0) throw error();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    accept("L");  // Python 2 wrote long integers this way
    return value;
  }
  Shape shape() {
    Shape found;
    expect("(");
    while (!accept(")")) {
      if (found.size() >= kMostAxes) throw error();
      found.push_back(natural());
      if (accept(")")) break;
      expect(",");
    }
    return found;
  }

  std::string_view rest_;
  const std::string& name_;
};

std::string_view take_header(ByteReader& reader, const std::string& name) {
  reader.skip(kMagic.size());
  const std::uint8_t major = reader.u8();
  reader.skip(1);
  if (major < 1 || major > 3)
    throw malformed(name, "its .npy version is " + std::to_string(major) + "; expected 1, 2 or 3");
  return reader.text(major == 1 ? reader.u16() : reader.u32());
}

std::size_t element_size(const std::string& descr, const std::string& name) {
  if (descr == "<f4") return 4;
  if (descr == "<f8") return 8;
  if (descr == "<f2") return 2;
  throw malformed(name, "it has numbers of type " + in_quotes(descr) +
                            "; expected '<f4' (float32). In NumPy: numpy.save(file, array.astype('<f4'))");
}

Tensor widened(Shape shape, std::span<const std::byte> bytes) {
  Tensor tensor(std::move(shape));
  const std::byte* from = bytes.data();
  for (float& value : tensor.values()) {
    std::uint16_t half = 0;
    std::memcpy(&half, from, sizeof half);
    value = half_to_float(half);
    from += sizeof half;
  }
  return tensor;
}

Tensor copied(Shape shape, std::span<const std::byte> bytes) {
  Tensor tensor(std::move(shape));
  if (!bytes.empty()) std::memcpy(tensor.data(), bytes.data(), bytes.size());
  return tensor;
}

std::string python_tuple(const Shape& shape) {
  std::string text;
  for (const std::int64_t n : shape) text += std::to_string(n) + ", ";
  // (3,) keeps its comma, (3, 4) does not.
  if (!text.empty()) text.erase(text.size() - (shape.size() == 1 ? 1 : 2));
  return "(" + text + ")";
}

}  // namespace

bool looks_like_npy(std::span<const std::byte> bytes) { return starts_with(bytes, kMagic); }

Tensor parse_npy(std::span<const std::byte> bytes, const std::string& name) {
  if (!looks_like_npy(bytes)) throw malformed(name, "not a .npy file: it does not begin with \\x93NUMPY");
  ByteReader reader(bytes, name, "the .npy file");
  Header header = HeaderParser(take_header(reader, name), name).parse();
  const std::size_t element = element_size(*header.descr, name);
  if (*header.fortran_order && header.shape->size() > 1)
    throw malformed(name,
                    "its array is in Fortran order; expected C order: "
                    "numpy.save(file, numpy.ascontiguousarray(array))");
  const auto expected = dense_bytes(*header.shape, element);
  if (!expected || *expected != reader.left()) {
    throw malformed(name, "an array of shape " + to_string(*header.shape) + " in " +
                              in_quotes(*header.descr) + " takes " +
                              (expected ? std::to_string(*expected) : "too many") + " bytes, found " +
                              std::to_string(reader.left()) + "; the file is damaged: write it again");
  }
  const auto data = reader.take(*expected);
  if (element == 8) return narrowed(std::move(*header.shape), data);
  if (element == 2) return widened(std::move(*header.shape), data);
  return copied(std::move(*header.shape), data);
}

Tensor read_npy(const std::filesystem::path& file) {
  const auto mapped = base::MappedFile::open(file);
  return parse_npy(mapped->bytes(), file.string());
}

void write_npy(const std::filesystem::path& file, const Tensor& tensor) {
  std::string header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': " + python_tuple(tensor.shape()) + ", }";
  const std::size_t before = kMagic.size() + 2 + 2;  // version and length
  // As NumPy pads: spaces up to a multiple of 64, the last byte a newline.
  header.append(kHeaderAlignment - 1 - (before + header.size()) % kHeaderAlignment, ' ');
  header += '\n';
  base::AtomicFile out(file);
  out.write(kMagic);
  out.write(std::string_view("\x01\x00", 2));
  const auto length = static_cast<std::uint16_t>(header.size());
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(header);
  out.write(std::as_bytes(tensor.values()));
  out.commit();
}

}  // namespace ablaze::formats
