#include "cli/shell/terminal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.hpp"

namespace ablaze::cli {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// In the C library's order: the first of these that is set decides.
bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = base::lower(environment(name));
    if (value.empty()) continue;
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

int terminal_width(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string coloured(const Style& style, const char* code, std::string_view text) {
  if (!style.colour) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

Style style_of(int descriptor) {
  const bool terminal = isatty(descriptor) == 1;
  const bool colour = terminal && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
  return {colour, locale_is_utf8(), terminal ? terminal_width(descriptor) : 80};
}

std::string bold(const Style& style, std::string_view text) { return coloured(style, "1", text); }
std::string dim(const Style& style, std::string_view text) { return coloured(style, "2", text); }
std::string accent(const Style& style, std::string_view text) { return coloured(style, "33", text); }

std::string bar(const Style& style, double fraction, int width) {
  const double clamped = std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0.0;
  if (!style.unicode) return std::string(static_cast<std::size_t>(std::lround(clamped * width)), '#');
  constexpr std::array<std::string_view, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto steps = static_cast<std::size_t>(std::lround(clamped * width * 8));
  return repeated("█", steps / 8) + std::string(eighths[steps % 8]);
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not a continuation byte
  }));
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t used = columns(text);
  return std::string(text) + std::string(width > used ? width - used : 0, ' ');
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto i = static_cast<std::int64_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), ",");
  }
  return digits;
}

std::string scientific(double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.1e", number);
  return text.data();
}

std::string short_number(double number) {
  constexpr std::array<const char*, 5> units{"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  // 999.5 would be printed as 1000.
  while (number >= 999.5 && unit + 1 < units.size()) {
    number /= 1000;
    ++unit;
  }
  if (unit == 0) return fixed(number, 0);
  const int digits = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
  return fixed(number, digits) + units[unit];
}

std::string clock_time(double seconds) {
  const long long whole = std::llround(std::clamp(seconds, 0.0, 3.6e6));
  std::array<char, 64> text{};
  const long long hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
  if (hours > 0) {
    std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", hours, minutes, rest);
  } else {
    std::snprintf(text.data(), text.size(), "%lld:%02lld", minutes, rest);
  }
  return text.data();
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string space(widths[i] - columns(cells[i]), ' ');
    out += "  ";
    out += columns_[i].align == Align::right ? space + cells[i] : cells[i] + space;
  }
  return out.substr(0, out.find_last_not_of(' ') + 1);
}

std::string Table::text(const Style& style) const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title);
    widths.push_back(columns(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], columns(row.at(i)));
  }
  std::string out = dim(style, line(titles, widths)) + "\n";
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    const std::string row = line(rows_[r], widths);
    if (r == rule_before_) out += "  " + std::string(columns(row) - 2, '-') + "\n";
    out += row + "\n";
  }
  return out;
}

}  // namespace ablaze::cli
