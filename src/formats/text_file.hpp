#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ablaze::formats {

/// A text file's content in UTF-8, without its byte order mark. Converts UTF-16 of both byte orders where a
/// byte order mark announces it. Throws Error naming the file where the bytes are UTF-32, damaged UTF-16, or
/// no text (zero bytes). Does not check UTF-8: older files may use another encoding.
std::string decode_text(std::span<const std::byte> bytes, const std::string& file);

/// Appends a character in UTF-8.
void append_utf8(std::string& out, std::uint32_t code);

/// Reads and decodes a text file of at most `most` bytes. Throws Error.
std::string read_text_file(const std::filesystem::path& file, std::uint64_t most);

/// Without white space (blanks, tabs, CR, LF) at both ends.
std::string_view trimmed(std::string_view text);

/// A line of a text, without white space at its ends, and its number.
struct TextLine {
  std::size_t number = 0;  ///< counted from 1
  std::string_view text;
};

/// The lines that are not empty; they may end with LF, CR LF or CR.
std::vector<TextLine> lines_of(std::string_view text);

}  // namespace ablaze::formats
