#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace ablaze::cli {

using base::fixed;

/// The capabilities of the output.
struct Style {
  bool colour = false;   ///< a terminal, and NO_COLOR is not set
  bool unicode = false;  ///< the locale is UTF-8
  int width = 80;        ///< columns
};
/// The style of standard output (1) or standard error (2).
Style style_of(int descriptor);

std::string bold(const Style& style, std::string_view text);
std::string dim(const Style& style, std::string_view text);
std::string accent(const Style& style, std::string_view text);

/// A bar filled to `fraction` (0 to 1) of `width` columns; in eighths of a column where the locale is UTF-8.
std::string bar(const Style& style, double fraction, int width);

/// The text's width on a terminal, counted in code points.
std::size_t columns(std::string_view text);
std::string padded(std::string_view text, std::size_t width);
/// "1,234,567"
std::string grouped(std::int64_t number);
/// "59.0 M", "8.70 G": three digits and a unit of thousands.
std::string short_number(double number);
/// "0:07", "12:30", "1:02:03"
std::string clock_time(double seconds);
/// "1.3e-06"
std::string scientific(double number);

/// A table with columns as wide as their widest cell. A rule may separate the last row, such as a sum.
class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void rule() { rule_before_ = rows_.size(); }  ///< before the next row
  std::string text(const Style& style) const;

 private:
  std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::size_t rule_before_ = static_cast<std::size_t>(-1);
};

}  // namespace ablaze::cli
