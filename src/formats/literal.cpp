#include "formats/literal.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include <ablaze/error.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "formats/text_file.hpp"

namespace ablaze::formats {
namespace {

using Literal = base::SortedJson;

constexpr int kDeepestLiteral = 16;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

bool is_quote(char c) { return c == '"' || c == '\''; }

class LiteralReader {
 public:
  LiteralReader(std::string_view text, LiteralForm form, const std::string& file)
      : whole_(text), text_(text), form_(form), file_(file) {}

  Literal read() {
    Literal out = value(0);
    skip();
    take(';');
    skip();
    if (!text_.empty()) fail("expected the end of the text, found " + here());
    return out;
  }

 private:
  Literal value(int depth) {
    if (depth > kDeepestLiteral) fail("expected at most 16 nested values");
    skip();
    if (text_.empty()) fail("the text ends within a value");
    if (take('[')) return items(']', depth);
    if (take('(')) return in_parentheses(depth);
    if (take('{')) return members(depth);
    if (starts_text()) return text();
    return word(depth);
  }

  Literal items(char close, int depth) {
    Literal out = Literal::array();
    while (!closes(close)) {
      out.push_back(value(depth + 1));
      separator(close);
    }
    return out;
  }

  /// A tuple, or a value in parentheses.
  Literal in_parentheses(int depth) {
    Literal out = Literal::array();
    bool comma = false;
    while (!closes(')')) {
      out.push_back(value(depth + 1));
      comma = separator(')') || comma;
    }
    return out.size() == 1 && !comma ? Literal(std::move(out[0])) : out;
  }

  Literal members(int depth) {
    Literal out = Literal::object();
    while (!closes('}')) {
      Literal key = value(depth + 1);
      skip();
      if (!take(':'))
        fail("expected a colon after a key, found " + here() + " (a set has no order of classes)");
      if (key.is_number_integer()) key = key.dump();
      if (!key.is_string()) fail("expected text or a whole number as a key");
      const auto [at, added] = out.emplace(key.get<std::string>(), value(depth + 1));
      if (!added) fail("the key " + base::printable(at.key()) + " stands there twice");
      separator('}');
    }
    return out;
  }

  /// Texts that follow each other are one, as in Python.
  Literal text() {
    std::string out;
    while (starts_text()) {
      const bool raw = text_[0] == 'r' || text_[0] == 'R';
      if (!is_quote(text_[0])) text_.remove_prefix(1);
      const char quote = text_[0];
      text_.remove_prefix(1);
      if (text_.size() >= 2 && text_[0] == quote && text_[1] == quote)
        fail("expected text in single quotes, found three");
      quoted(quote, raw, out);
      skip();
    }
    return out;
  }

  void quoted(char quote, bool raw, std::string& out) {
    while (true) {
      if (text_.empty() || text_[0] == '\n') fail("expected a closing quote");
      const char c = text_[0];
      text_.remove_prefix(1);
      if (c == quote) {
        // YAML doubles a quote within quotes.
        if (form_ == LiteralForm::yaml && quote == '\'' && take('\'')) {
          out += '\'';
          continue;
        }
        return;
      }
      const bool escapes = !raw && !(form_ == LiteralForm::yaml && quote == '\'');
      if (c == '\\' && escapes) {
        escape(out);
      } else {
        out += c;
      }
    }
  }

  void escape(std::string& out) {
    if (text_.empty()) fail("the text ends within a value");
    const char c = text_[0];
    text_.remove_prefix(1);
    constexpr std::string_view names = "nrtabfv0", codes{"\n\r\t\a\b\f\v\0", 8};
    if (const auto at = names.find(c); at != std::string_view::npos) {
      out += codes[at];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      append_code(c == 'x' ? 2 : c == 'u' ? 4 : 8, out);
    } else if (c == '\\' || c == '/' || is_quote(c)) {
      out += c;
    } else if (c != '\n') {  // a backslash at a line's end joins the lines
      out += '\\';
      out += c;
    }
  }

  /// The character with a code in hexadecimal digits.
  void append_code(std::size_t digits, std::string& out) {
    std::uint32_t code = 0;
    const std::string_view hex = text_.substr(0, digits);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    if (error != std::errc{} || hex.size() < digits || end != hex.data() + digits || code > 0x10FFFF ||
        (code >= 0xD800 && code < 0xE000)) {
      fail("expected a character's code of " + std::to_string(digits) + " hexadecimal digits");
    }
    text_.remove_prefix(digits);
    append_utf8(out, code);
  }

  Literal word(int depth) {
    if (form_ == LiteralForm::yaml) return bare_word();
    std::size_t length = 0;
    while (length < text_.size() &&
           (is_name_character(text_[length]) || (length == 0 && (text_[0] == '-' || text_[0] == '+')))) {
      ++length;
    }
    const std::string_view word = text_.substr(0, length);
    if (word.empty()) fail("expected a value, found " + here());
    if (const auto found = number(word)) {
      text_.remove_prefix(length);
      return *found;
    }
    const std::string_view name = word.substr(word.rfind('.') + 1);
    for (const auto& [known, meaning] : {std::pair<std::string_view, Literal>{"True", true},
                                         {"true", true},
                                         {"False", false},
                                         {"false", false},
                                         {"None", nullptr},
                                         {"null", nullptr}}) {
      if (word != known) continue;
      text_.remove_prefix(length);
      return meaning;
    }
    if (name != "OrderedDict" && name != "dict") {
      fail("expected text in quotes, a number, a list or a dictionary, found " + here());
    }
    text_.remove_prefix(length);
    skip();
    if (!take('(')) fail("expected a parenthesis after " + std::string(name));
    return dictionary(in_parentheses(depth));
  }

  /// The argument of OrderedDict: a dictionary, or a list of pairs.
  Literal dictionary(Literal argument) const {
    if (argument.is_object()) return argument;
    Literal out = Literal::object();
    if (!argument.is_array()) fail("expected a dictionary or pairs");
    for (Literal& pair : argument) {
      if (!pair.is_array() || pair.size() != 2) fail("expected a dictionary or pairs");
      const std::string key = pair[0].is_string() ? pair[0].get<std::string>() : pair[0].dump();
      if (!out.emplace(key, std::move(pair[1])).second) fail("a key stands there twice");
    }
    return out;
  }

  Literal bare_word() {
    const std::size_t end = std::min(text_.find_first_of(",[]{}\n#"), text_.size());
    std::string_view word = text_.substr(0, end);
    for (std::size_t colon = word.find(':'); colon != std::string_view::npos;
         colon = word.find(':', colon + 1)) {
      // A colon ends a key only where a blank follows.
      if (colon + 1 < word.size() && word[colon + 1] != ' ') continue;
      word = word.substr(0, colon);
      break;
    }
    if (trimmed(word).empty()) fail("expected a value, found " + here());
    text_.remove_prefix(word.size());
    word = trimmed(word);
    const auto found = number(word);
    return found && found->is_number_integer() ? *found : Literal(std::string(word));
  }

  static std::optional<Literal> number(std::string_view word) {
    std::int64_t whole = 0;
    const char* const last = word.data() + word.size();
    if (const auto [end, error] = std::from_chars(word.data(), last, whole);
        error == std::errc{} && end == last)
      return Literal(whole);
    double fraction = 0;
    if (const auto [end, error] = std::from_chars(word.data(), last, fraction);
        error == std::errc{} && end == last && (word[0] == '-' || (word[0] >= '0' && word[0] <= '9'))) {
      return Literal(fraction);
    }
    return std::nullopt;
  }

  bool closes(char close) {
    skip();
    return take(close);
  }

  /// A comma, or nothing before the closing character; returns whether there was a comma.
  bool separator(char close) {
    skip();
    if (take(',')) return true;
    if (text_.empty() || text_[0] != close)
      fail(std::string("expected a comma or ") + close + ", found " + here());
    return false;
  }

  bool starts_text() const {
    if (text_.empty()) return false;
    if (is_quote(text_[0])) return true;
    return form_ == LiteralForm::python && text_.size() > 1 && is_quote(text_[1]) &&
           std::string_view("uUrR").find(text_[0]) != std::string_view::npos;
  }

  /// Skips white space and comments.
  void skip() {
    while (true) {
      const auto start = std::min(text_.find_first_not_of(" \t\r\n"), text_.size());
      text_.remove_prefix(start);
      if (!text_.starts_with('#')) return;
      text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
    }
  }

  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string here() const {
    return text_.empty() ? "the end" : "\"" + base::printable(text_.substr(0, 20)) + "\"";
  }

  [[noreturn]] void fail(const std::string& what) const {
    const auto read = whole_.substr(0, whole_.size() - text_.size());
    throw Error(file_ + ", line " + std::to_string(std::count(read.begin(), read.end(), '\n') + 1) + ": " +
                what);
  }

  std::string_view whole_, text_;
  LiteralForm form_;
  const std::string& file_;
};

}  // namespace

base::SortedJson parse_literal(std::string_view text, LiteralForm form, const std::string& file) {
  return LiteralReader(text, form, file).read();
}

}  // namespace ablaze::formats
