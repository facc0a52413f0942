#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ablaze::formats {

/// A row of a CSV file, and where it stands in it.
struct CsvRow {
  std::size_t line = 0;  ///< counted from 1
  std::vector<std::string> fields;
};

/// The rows of RFC 4180, with LF or CR LF, a byte order mark passed over, empty lines left out. Throws Error
/// naming the file and the line (a quote without end, or within a field).
std::vector<CsvRow> read_csv(std::string_view text, const std::string& file);

/// A field as a row takes it: in quotes where it needs them.
std::string csv_field(std::string_view text);

}  // namespace ablaze::formats
