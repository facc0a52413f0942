#include "image/png_orientation.hpp"

#include <cstdint>
#include <vector>

#include "image/bytes.hpp"
#include "image/exif.hpp"
#include "image/stb.hpp"

namespace ablaze::image {
namespace {

using namespace std::string_view_literals;

/// Pillow's limit of a compressed text.
constexpr std::size_t kMaxText = std::size_t{1} << 20;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The text before the first zero, which is removed with that zero; nothing, and nothing removed, where there
/// is none.
std::optional<std::string_view> take_word(std::string_view& text) {
  const auto end = text.find('\0');
  if (end == std::string_view::npos) return {};
  const auto word = text.substr(0, end);
  text.remove_prefix(end + 1);
  return word;
}

/// The value of a hexadecimal digit, or -1.
int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// ImageMagick's "Raw profile type exif": an empty line, the kind, the length, then lines of hexadecimal
/// digits. Nothing where it is not of that form.
std::vector<std::byte> raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::vector<std::byte> bytes;
  int high = -1;
  for (const char c : text) {
    if (c == '\n' || (high < 0 && is_space(c))) continue;
    const int low = digit(c);
    if (low < 0) return {};
    if (high >= 0) bytes.push_back(static_cast<std::byte>(high << 4 | low));
    high = high >= 0 ? -1 : low;
  }
  return high < 0 ? bytes : std::vector<std::byte>{};
}

/// As tiff:Orientation="6" or <tiff:Orientation>6</...: the first that has a digit.
std::optional<int> xmp_orientation(std::string_view xmp) {
  constexpr auto name = "tiff:Orientation"sv;
  for (auto at = xmp.find(name); at != std::string_view::npos; at = xmp.find(name, at + 1)) {
    std::string_view rest = xmp.substr(at + name.size());
    if (rest.starts_with("=\"")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with(">")) {
      rest.remove_prefix(1);
    } else {
      continue;
    }
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9')
      return rest[0] >= '1' && rest[0] <= '8' ? rest[0] - '0' : 1;
  }
  return {};
}

}  // namespace

void PngOrientation::visit(std::string_view type, std::span<const std::byte> data) {
  if (type == "IDAT"sv) {
    complete_ = complete_ || (!pixels_seen_ && exif_.found);
    pixels_seen_ = true;
  }
  if (complete_) return;
  if (type == "eXIf"sv) {
    // Pillow prepends "Exif\0\0" and removes it once.
    exif_ = {true, exif_orientation(data)};
  } else if (type == "tEXt"sv) {
    read_text_chunk(text_of(data));
  } else if (type == "zTXt"sv) {
    read_compressed_chunk(text_of(data));
  } else if (type == "iTXt"sv) {
    read_international_chunk(text_of(data));
  }
}

int PngOrientation::value() const {
  const Place& place = exif_.found ? exif_ : profile_;
  return place.orientation.value_or(xmp_.value_or(1));
}

void PngOrientation::read_text(std::string_view keyword, std::string_view text) {
  if (keyword == "Raw profile type exif"sv) profile_ = {true, prefixed_exif_orientation(raw_profile(text))};
  if (keyword == "XML:com.adobe.xmp"sv) xmp_ = xmp_orientation(text);
}

void PngOrientation::read_text_chunk(std::string_view data) {
  const auto keyword = take_word(data);
  if (!keyword) return;
  if (*keyword == "exif"sv) exif_ = {true, prefixed_exif_orientation(bytes_of(data))};
  read_text(*keyword, data);
}

void PngOrientation::read_compressed_chunk(std::string_view data) {
  const auto keyword = take_word(data);
  if (!keyword || !data.starts_with('\0')) return;  // the method, deflate
  if (*keyword != "Raw profile type exif"sv && *keyword != "XML:com.adobe.xmp"sv) return;
  const std::vector<std::byte> text = stb_inflate(bytes_of(data.substr(1)), kMaxText);
  read_text(*keyword, text_of(text));
}

void PngOrientation::read_international_chunk(std::string_view data) {
  const auto keyword = take_word(data);
  if (!keyword || data.size() < 2) return;
  if (*keyword != "Raw profile type exif"sv && *keyword != "XML:com.adobe.xmp"sv) return;
  const bool compressed = data[0] != 0;
  const bool deflate = data[1] == 0;
  data.remove_prefix(2);
  const auto language = take_word(data), translated = take_word(data);
  if (!language || !translated || (compressed && !deflate)) return;
  if (!compressed) return read_text(*keyword, data);
  const std::vector<std::byte> text = stb_inflate(bytes_of(data), kMaxText);
  if (!text.empty()) read_text(*keyword, text_of(text));
}

}  // namespace ablaze::image
