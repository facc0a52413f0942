#include "image/sniff.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "image/bytes.hpp"

namespace ablaze::image {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t at;
  std::string_view magic;
  std::string_view what;
};

constexpr std::array kSignatures{
    Signature{0, "GIF8"sv, "a GIF image"},           Signature{8, "WEBP"sv, "a WebP image"},
    Signature{0, "II*\0"sv, "a TIFF image"},         Signature{0, "MM\0*"sv, "a TIFF image"},
    Signature{0, "\0\0\1\0"sv, "a Windows icon"},    Signature{0, "8BPS"sv, "a Photoshop image"},
    Signature{0, "\xFF\x0A"sv, "a JPEG XL image"},   Signature{4, "JXL \r\n"sv, "a JPEG XL image"},
    Signature{4, "jP  \r\n"sv, "a JPEG 2000 image"}, Signature{4, "ftypavif"sv, "an AVIF image"},
    Signature{4, "ftyphei"sv, "a HEIC image"},       Signature{4, "ftyphev"sv, "a HEIC image"},
    Signature{4, "ftypmif1"sv, "a HEIC image"},      Signature{4, "ftypmsf1"sv, "a HEIC image"},
    Signature{4, "ftyp"sv, "an MP4 video"},          Signature{0, "\x93NUMPY"sv, "a NumPy array"},
    Signature{0, "%PDF"sv, "a PDF document"},        Signature{0, "PK\3\4"sv, "a zip archive"},
    Signature{0, "<svg"sv, "an SVG drawing"},        Signature{0, "BM"sv, "a BMP image"},
    Signature{0, "P6\n"sv, "a PPM image"},           Signature{0, "P5\n"sv, "a PGM image"},
};

/// Whether the beginning of a file is text: no control characters except whitespace.
bool is_text(std::span<const std::byte> bytes) {
  const auto head = bytes.first(std::min<std::size_t>(bytes.size(), 512));
  return std::all_of(head.begin(), head.end(), [](std::byte byte) {
    const auto c = std::to_integer<unsigned>(byte);
    return (c >= 32 && c != 127) || (c >= 9 && c <= 13);
  });
}

}  // namespace

Sniffed sniff(std::span<const std::byte> bytes) {
  if (has_at(bytes, 0, "\xFF\xD8\xFF"sv)) return {FileKind::jpeg, "a JPEG image"};
  if (has_at(bytes, 0, "\x89PNG\r\n\x1A\n"sv)) return {FileKind::png, "a PNG image"};
  // A PNG after a newline conversion.
  if (has_at(bytes, 0, "\x89PNG"sv)) return {FileKind::other, "a PNG image spoiled by a text-mode transfer"};
  for (const Signature& signature : kSignatures) {
    if (has_at(bytes, signature.at, signature.magic)) return {FileKind::other, std::string(signature.what)};
  }
  return {FileKind::other, is_text(bytes) ? "text" : "unknown binary data"};
}

}  // namespace ablaze::image
