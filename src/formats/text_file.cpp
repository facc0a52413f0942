#include "formats/text_file.hpp"

#include <algorithm>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/text.hpp"

namespace ablaze::formats {
namespace {

using namespace std::string_view_literals;

/// UTF-16 after its byte order mark.
std::string from_utf16(std::string_view bytes, bool big_endian, const std::string& file) {
  const auto fail = [&](std::size_t at) {
    throw Error(file + ": damaged UTF-16 text at byte " + std::to_string(at + 2) +
                "; save the file as UTF-8");
  };
  const auto unit = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]),
               second = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<std::uint32_t>(big_endian ? first << 8U | second : second << 8U | first);
  };
  if (bytes.size() % 2 != 0) fail(bytes.size() - 1);
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (code >= 0xD800 && code < 0xE000) {  // half of a pair
      const std::uint32_t low = at + 3 < bytes.size() ? unit(at + 2) : 0;
      if (code >= 0xDC00 || low < 0xDC00 || low >= 0xE000) fail(at);
      code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
      at += 2;
    }
    if (code == 0) fail(at);
    append_utf8(out, code);
  }
  return out;
}

}  // namespace

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  const auto continuation = [&](int shift) { byte(0x80U | ((code >> shift) & 0x3FU)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0U | (code >> 6));
    continuation(0);
  } else if (code < 0x10000) {
    byte(0xE0U | (code >> 12));
    continuation(6), continuation(0);
  } else {
    byte(0xF0U | (code >> 18));
    continuation(12), continuation(6), continuation(0);
  }
}

std::string decode_text(std::span<const std::byte> bytes, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv))
    throw Error(file + ": the text is UTF-32; save the file as UTF-8");
  if (text.starts_with("\xFF\xFE"sv)) return from_utf16(text.substr(2), false, file);
  if (text.starts_with("\xFE\xFF"sv)) return from_utf16(text.substr(2), true, file);
  if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
    throw Error(file + ": expected text, found a zero byte at " + std::to_string(zero) +
                ": the file is binary, or UTF-16 without a byte order mark; save it as UTF-8");
  }
  return std::string(text.starts_with("\xEF\xBB\xBF"sv) ? text.substr(3) : text);
}

std::string read_text_file(const std::filesystem::path& file, std::uint64_t most) {
  return decode_text(base::read_file(file, most), base::printable(file.string(), 400));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::vector<TextLine> lines_of(std::string_view text) {
  std::vector<TextLine> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    if (const auto line = trimmed(text.substr(0, end)); !line.empty()) lines.push_back({number, line});
    const std::size_t mark = text.substr(end).starts_with("\r\n") ? 2 : 1;
    text.remove_prefix(std::min(end + mark, text.size()));
  }
  return lines;
}

}  // namespace ablaze::formats
