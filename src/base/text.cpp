#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <tuple>

namespace ablaze::base {
namespace {

constexpr std::size_t kLongestCompared = 200;  // the table of distances is quadratic
constexpr std::size_t kLongestSlug = 100;      // file systems stop at 255 bytes for the whole name

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool continues_utf8(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string
/// alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substituted});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

/// Distance between the first differing characters: of words equally near to "layer5", layer4 is the
/// likelier.
int first_difference(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i)
    if (a[i] != b[i]) return std::abs(a[i] - b[i]);
  return 0;
}

/// Length of the well-formed UTF-8 character at the front of text, 0 where there is none.
std::size_t utf8_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!continues_utf8(text[i])) return 0;
  return length;
}

/// Characters that change the direction of the surrounding text and can disguise a name: U+200E, U+200F,
/// U+202A to U+202E, U+2066 to U+2069.
bool is_direction(std::string_view character) {
  if (character.size() != 3 || character[0] != '\xE2') return false;
  const auto second = static_cast<unsigned char>(character[1]),
             third = static_cast<unsigned char>(character[2]);
  return (second == 0x80 && (third == 0x8E || third == 0x8F || (third >= 0xAA && third <= 0xAE))) ||
         (second == 0x81 && third >= 0xA6 && third <= 0xA9);
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;  // U+0080 to U+009F
}

}  // namespace

std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates,
                                 std::size_t most) {
  struct Near {
    std::tuple<std::size_t, std::size_t, int> distance;
    const std::string* text;
  };
  const std::string wanted = lower(word.substr(0, kLongestCompared));
  if (wanted.empty()) return {};
  std::vector<Near> found;
  for (const std::string& candidate : candidates) {
    const std::string text = lower(std::string_view(candidate).substr(0, kLongestCompared));
    const std::size_t longer = std::max(text.size(), wanted.size());
    const std::size_t apart = longer - std::min(text.size(), wanted.size());
    std::size_t distance = edit_distance(wanted, text);
    if (wanted.size() > 1 && text.find(wanted) != std::string::npos)
      distance = std::min<std::size_t>(distance, 1);
    if (distance > std::max<std::size_t>(1, longer / 3) || distance == longer) continue;
    found.push_back({{distance, apart, first_difference(wanted, text)}, &candidate});
  }
  std::ranges::stable_sort(found, {}, &Near::distance);
  std::vector<std::string> names;
  for (const Near& near : found) {
    if (names.size() == most) break;
    if (std::ranges::find(names, *near.text) == names.end()) names.push_back(*near.text);
  }
  return names;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::vector<std::string> names = nearest(word, candidates);
  return names.empty() ? "" : " (did you mean " + join(names, " or ") + "?)";
}

std::string join(std::span<const std::string> words, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? last : std::string_view(", ");
    text += words[i];
  }
  return text;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string slug(std::string_view text) {
  std::string result;
  for (const char c : lower(text)) {
    // Characters beyond ASCII are mostly letters, and file systems accept them.
    if (is_lower_or_digit(c) || is_beyond_ascii(c))
      result += c;
    else if (!result.empty() && result.back() != '-')
      result += '-';
  }
  if (result.size() > kLongestSlug) {
    std::size_t end = kLongestSlug;
    while (end > 0 && continues_utf8(result[end])) --end;
    result.resize(end);
  }
  while (!result.empty() && result.back() == '-') result.pop_back();
  return result;
}

std::string fixed(double number, int digits) {
  std::array<char, 400> text{};  // the largest double has 309 digits before the decimal point
  std::snprintf(text.data(), text.size(), "%.*f", digits, number);
  const std::string_view written = text.data();
  const bool zero = written.find_first_not_of("-0.") == std::string_view::npos;
  return std::string(written.substr(zero && written.starts_with('-') ? 1 : 0));
}

std::string printable(std::string_view text, std::size_t most) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(1, length));
    const bool shown = length > 0 && !is_control(character) && !is_direction(character);
    if (result.size() + (shown ? length : 1) > most) return result + "...";
    result += shown ? character : "?";
    text.remove_prefix(character.size());
  }
  return result;
}

}  // namespace ablaze::base
