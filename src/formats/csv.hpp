#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ablaze::formats {

/// A row of a CSV file and its line number.
struct CsvRow {
  std::size_t line = 0;  ///< counted from 1
  std::vector<std::string> fields;
};

/// The rows of an RFC 4180 file, with LF or CR LF and fields between commas (or another separator); skips a
/// byte order mark and empty lines. Throws Error naming the file and the line (an unterminated quote, or a
/// quote within a field).
std::vector<CsvRow> read_csv(std::string_view text, const std::string& file, char separator = ',');

/// A field for a row: quoted where necessary.
std::string csv_field(std::string_view text);

}  // namespace ablaze::formats
