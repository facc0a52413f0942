#include "formats/csv.hpp"

#include <algorithm>

#include <ablaze/error.hpp>

namespace ablaze::formats {
namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& file, char separator)
      : text_(text), file_(file), separator_(separator) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (!text_.empty()) {
      CsvRow next = row();
      if (next.fields.size() > 1 || !next.fields.front().empty()) rows.push_back(std::move(next));
    }
    return rows;
  }

 private:
  CsvRow row() {
    CsvRow out{line_, {}};
    do out.fields.push_back(field());
    while (take(separator_));
    take('\r');
    if (!take('\n') && !text_.empty())
      fail(std::string("expected '") + separator_ + "' or the end of the line after a field");
    ++line_;
    return out;
  }

  std::string field() {
    if (take('"')) return quoted();
    const std::size_t end = std::min(text_.find_first_of(ends_), text_.size());
    std::string out(text_.substr(0, end));
    text_.remove_prefix(end);
    return out;
  }

  std::string quoted() {
    std::string out;
    while (true) {
      const auto end = text_.find('"');
      if (end == std::string_view::npos) fail("expected a closing quote");
      out += text_.substr(0, end);
      text_.remove_prefix(end + 1);
      if (!take('"')) break;
      out += '"';
    }
    line_ += static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n'));
    return out;
  }

  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(file_ + ", line " + std::to_string(line_) + ": " + what);
  }

  std::string_view text_;
  const std::string& file_;
  char separator_;
  std::string ends_{separator_, '\r', '\n', '"'};  ///< of a field without quotes
  std::size_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> read_csv(std::string_view text, const std::string& file, char separator) {
  return CsvReader(text, file, separator).rows();
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

}  // namespace ablaze::formats
