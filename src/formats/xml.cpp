#include "formats/xml.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "formats/text_file.hpp"

namespace ablaze::formats {
namespace {

constexpr int kDeepest = 64;
constexpr std::string_view kSpace = " \t\r\n";

bool is_space(char c) { return kSpace.find(c) != std::string_view::npos; }

bool ends_name(char c) {
  return is_space(c) || std::string_view("</>=\"'&").find(c) != std::string_view::npos;
}

bool is_character(std::uint32_t code) {
  return (code >= 0x20 || code == '\t' || code == '\n' || code == '\r') && code < 0x110000 &&
         (code < 0xD800 || code >= 0xE000);
}

std::string utf8(std::uint32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80U | (code >> shift & 0x3FU)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0U | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0U | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0U | code >> 18), tail(12), tail(6), tail(0)};
}

class XmlReader {
 public:
  XmlReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  XmlElement document() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ += 3;
    skip_between();
    if (done()) fail("it has no element");
    XmlElement root = element(1);
    skip_between();
    if (!done()) fail("it has content after the document's element");
    return root;
  }

 private:
  bool done() const { return at_ >= text_.size(); }
  std::string_view rest() const { return text_.substr(at_); }

  bool take(std::string_view word) {
    if (!rest().starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  void skip_space() {
    while (!done() && is_space(text_[at_])) ++at_;
  }

  /// Returns the text up to `end`; skips `end`.
  std::string_view until(std::string_view end, const char* what) {
    const auto found = text_.find(end, at_);
    if (found == std::string_view::npos) fail(std::string(what) + " has no end");
    const std::string_view taken = text_.substr(at_, found - at_);
    at_ = found + end.size();
    return taken;
  }

  bool skip_remark() {
    if (take("<!--")) return until("-->", "a comment"), true;
    if (take("<?")) return until("?>", "a processing instruction"), true;
    return false;
  }

  void skip_between() {
    do skip_space();
    while (skip_remark());
    if (rest().starts_with("<!DOCTYPE")) fail("document types are not supported; remove that line");
  }

  std::string name() {
    const std::size_t start = at_;
    while (!done() && !ends_name(text_[at_])) ++at_;
    if (at_ == start) fail("expected a name");
    return std::string(text_.substr(start, at_ - start));
  }

  void skip_attributes() {
    for (skip_space(); !done() && text_[at_] != '>' && text_[at_] != '/'; skip_space()) {
      name();
      skip_space();
      if (!take("=")) fail("expected = after an attribute's name");
      skip_space();
      const char quote = done() ? '\0' : text_[at_];
      if (quote != '"' && quote != '\'') fail("expected an attribute's value in quotes");
      ++at_;
      until({&quote, 1}, "an attribute");
    }
  }

  XmlElement element(int depth) {
    if (depth > kDeepest) fail("elements are nested deeper than " + std::to_string(kDeepest));
    if (!take("<")) fail("expected an element");
    XmlElement out;
    out.name = name();
    skip_attributes();
    if (take("/>")) return out;
    if (!take(">")) fail("the tag <" + base::printable(out.name) + "> has no end");
    read_content(out, depth);
    return out;
  }

  void read_content(XmlElement& out, int depth) {
    std::string text;
    while (!take("</")) {
      if (done()) fail("<" + base::printable(out.name) + "> is not closed");
      if (skip_remark()) continue;
      if (take("<![CDATA[")) {
        text += until("]]>", "a CDATA section");
      } else if (text_[at_] == '<') {
        out.children.push_back(element(depth + 1));
      } else if (take("&")) {
        text += entity();
      } else {
        text += text_[at_++];
      }
    }
    if (const std::string closed = name(); closed != out.name) {
      fail("<" + base::printable(out.name) + "> is closed by </" + base::printable(closed) + ">");
    }
    skip_space();
    if (!take(">")) fail("a closing tag has no end");
    out.text = trimmed(text);
  }

  std::string entity() {
    constexpr std::array<std::pair<std::string_view, char>, 5> named{
        {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}}};
    for (const auto& [word, character] : named) {
      if (take(word)) return {character};
    }
    const bool hexadecimal = take("#x");
    if (!hexadecimal && !take("#")) fail("an unknown entity");
    std::uint32_t code = 0;
    const char* const last = text_.data() + text_.size();
    const auto [end, error] = std::from_chars(text_.data() + at_, last, code, hexadecimal ? 16 : 10);
    at_ = static_cast<std::size_t>(end - text_.data());
    if (error != std::errc{} || !is_character(code) || !take(";")) fail("a character that does not exist");
    return utf8(code);
  }

  [[noreturn]] void fail(const std::string& what) const {
    const auto end = text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size()));
    const auto line = 1 + std::count(text_.begin(), end, '\n');
    throw Error(file_ + ", line " + std::to_string(line) + ": cannot read this XML: " + what);
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
};

}  // namespace

const XmlElement* XmlElement::child(std::string_view wanted) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const XmlElement& element) { return element.name == wanted; });
  return found == children.end() ? nullptr : &*found;
}

std::string_view XmlElement::text_of(std::string_view wanted) const {
  const XmlElement* const found = child(wanted);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

XmlElement read_xml(std::string_view text, const std::string& file) {
  return XmlReader(text, file).document();
}

}  // namespace ablaze::formats
