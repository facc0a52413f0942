#include "models/class_names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "formats/csv.hpp"
#include "formats/literal.hpp"
#include "formats/text_file.hpp"

namespace ablaze::models {
namespace {

using json = base::SortedJson;
using formats::trimmed;

constexpr std::uint64_t kLargestLabelFile = std::uint64_t{16} << 20;
constexpr int kDeepestLabels = 16;
constexpr std::string_view kSeparators = " \t,:;=|";

constexpr const char* kExpected =
    "expected one label per line, a JSON array of labels in the order of the classes, an object such as "
    "{\"0\": \"tench\"}, {\"0\": [\"n01440764\", \"tench\"]} or {\"tench\": 0}, or such a Python dictionary";

/// A class as a file gives it.
struct ClassEntry {
  std::string label, synset;
  std::optional<std::uint64_t> index;
};

std::optional<std::uint64_t> index_in(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = !digits.empty() && error == std::errc{} && end == digits.data() + digits.size();
  return whole ? std::optional(value) : std::nullopt;
}

template <std::size_t N>
bool is_one_of(const std::string& word, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, std::string_view(word)) != words.end();
}

// The names of columns and members.
constexpr std::array<std::string_view, 15> kLabelWords{
    "label", "labels", "name",  "names", "class",        "classes", "class_name", "classname",
    "title", "lemma",  "words", "text",  "display_name", "english", "category"};
constexpr std::array<std::string_view, 12> kIndexWords{"index",     "idx",         "id",      "class_id",
                                                       "class_idx", "class_index", "classid", "label_id",
                                                       "label_idx", "number",      "target",  "#"};
constexpr std::array<std::string_view, 8> kSynsetWords{"wnid",      "synset",      "synset_id", "wordnet_id",
                                                       "wordnetid", "imagenet_id", "wordnet",   "folder"};
constexpr std::array<std::string_view, 10> kContainers{
    "id2label", "label_names",  "class_names", "names",      "labels",
    "classes",  "class_to_idx", "label2id",    "categories", "idx_to_class"};

std::string header_word(std::string_view word) {
  std::string lower = base::lower(trimmed(word));
  std::ranges::replace(lower, ' ', '_');
  return lower;
}

/// WordNet's other form, 01440764-n.
std::string synset_in(std::string_view word) {
  if (is_synset(word)) return std::string(word);
  if (word.size() == 10 && word.ends_with("-n") && is_synset("n" + std::string(word.substr(0, 8))))
    return "n" + std::string(word.substr(0, 8));
  return {};
}

// ---- from entries to the order of the classes ---------------------------------------------------------

/// Sorts the entries by their indices, which must be 0 to N-1, or 1 to N.
void sort_by_index(std::vector<ClassEntry>& entries, const std::string& file, ClassNames& names) {
  std::ranges::stable_sort(entries, {}, [](const ClassEntry& entry) { return *entry.index; });
  const std::uint64_t first = entries.front().index.value_or(0);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t expected = i + (first == 1 ? 1 : 0);
    if (*entries[i].index == expected) continue;
    const bool twice = i > 0 && *entries[i].index == *entries[i - 1].index;
    throw Error(file + ": " +
                (twice ? "the class " + std::to_string(*entries[i].index) + " stands there twice"
                       : "found no class " + std::to_string(expected) + ", but one numbered " +
                             std::to_string(*entries[i].index)) +
                "; number the classes from 0, each once");
  }
  if (first == 1) {
    names.notes.push_back("the labels are numbered from 1; the label numbered 1 is class 0");
    const bool has_synsets =
        std::ranges::all_of(entries, [](const ClassEntry& e) { return !e.synset.empty(); });
    const bool sorted = std::ranges::is_sorted(entries, {}, &ClassEntry::synset);
    if (has_synsets && !sorted) {
      // The development kit of ImageNet's challenge numbers its classes unlike any network.
      names.unordered =
          "its classes are numbered from 1 and not in the order of their WordNet ids, as in ImageNet's "
          "development kit; networks count them from 0, usually in the order of the ids";
    }
  }
}

bool is_utf8(const std::string& text) {
  try {
    return !json(text).dump().empty();
  } catch (const json::exception&) {
    return false;
  }
}

ClassNames names_of(std::vector<ClassEntry> entries, const std::string& file, ClassNames names = {}) {
  names.file = file;
  if (entries.empty()) throw Error(file + ": found no labels: " + kExpected);
  if (std::ranges::all_of(entries, [](const ClassEntry& e) { return e.index.has_value(); }))
    sort_by_index(entries, file, names);
  const bool has_synsets =
      std::ranges::all_of(entries, [](const ClassEntry& e) { return !e.synset.empty(); });
  const bool only_synsets =
      has_synsets && std::ranges::all_of(entries, [](const ClassEntry& e) { return e.label.empty(); });
  if (only_synsets) names.notes.emplace_back("the labels are WordNet ids: the file has no names for them");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ClassEntry& entry = entries[i];
    if (has_synsets) names.synsets.push_back(entry.synset);
    if (!is_utf8(entry.label)) {
      throw Error(file + ": label " + std::to_string(i) + ", \"" + base::printable(entry.label) +
                  "\", is not UTF-8; save the file as UTF-8");
    }
    if (entry.label.empty()) entry.label = entry.synset;
    if (entry.label.empty()) {
      throw Error(file + ": label " + std::to_string(i) + " is empty; give every class a label");
    }
    names.labels.push_back(std::move(entry.label));
  }
  return names;
}

// ---- JSON and Python ----------------------------------------------------------------------------------

std::string short_text(const json& value) {
  return base::printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::optional<std::uint64_t> index_of(const json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (value.is_number_integer() && value.get<std::int64_t>() >= 0)
    return static_cast<std::uint64_t>(value.get<std::int64_t>());
  if (value.is_string()) return index_in(value.get_ref<const std::string&>());
  return std::nullopt;
}

/// A label: text, several names, a WordNet id with names, or an object with these as members.
std::optional<ClassEntry> entry_of(const json& value) {
  ClassEntry entry;
  if (value.is_string()) {
    entry.label = trimmed(value.get_ref<const std::string&>());
    return entry;
  }
  if (value.is_array()) {
    for (const json& part : value) {
      // An index among the names: {"n01440764": [0, "tench"]}.
      if (const auto index = index_of(part); index && value.size() > 1) {
        entry.index = index;
        continue;
      }
      if (!part.is_string()) return std::nullopt;
      const std::string word(trimmed(part.get_ref<const std::string&>()));
      if (entry.synset.empty() && is_synset(word)) {
        entry.synset = word;
      } else if (!word.empty()) {
        entry.label += (entry.label.empty() ? "" : ", ") + word;
      }
    }
    return entry;
  }
  if (!value.is_object()) return std::nullopt;
  for (const std::string_view word : kLabelWords) {
    const auto found = value.find(std::string(word));
    if (found == value.end() || !entry.label.empty()) continue;
    if (found->is_string()) entry.label = trimmed(found->get_ref<const std::string&>());
  }
  for (const auto& [key, part] : value.items()) {
    if (part.is_string() && entry.synset.empty())
      entry.synset = synset_in(part.get_ref<const std::string&>());
    if (is_one_of(base::lower(key), kIndexWords) && !part.is_string() && !entry.index)
      entry.index = index_of(part);
  }
  if (entry.label.empty() && entry.synset.empty()) return std::nullopt;
  return entry;
}

[[noreturn]] void refuse_value(const json& value, const std::string& file) {
  throw Error(file + ": " + kExpected + "; found " + short_text(value));
}

ClassNames from_array(const json& array, const std::string& file) {
  std::vector<ClassEntry> entries;
  for (const json& value : array) {
    auto entry = entry_of(value);
    if (!entry) {
      throw Error(file + ": expected text as label " + std::to_string(entries.size()) + ", found " +
                  short_text(value));
    }
    entries.push_back(std::move(*entry));
  }
  return names_of(std::move(entries), file);
}

/// Whether a text has the keys of an object, in the object's (sorted) order.
bool has_sorted_keys(const json& object, std::string_view text) {
  for (const auto& [key, value] : object.items()) {
    const auto at = text.find(key);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + key.size());
  }
  return true;
}

/// `text` is the object's source, for the order of its members; empty where there is none.
ClassNames from_object(const json& object, const std::string& file, std::string_view text) {
  std::vector<ClassEntry> entries;
  const auto all = [&](const auto& fits) {
    return std::ranges::all_of(object.items(),
                               [&](const auto& item) { return fits(item.key(), item.value()); });
  };
  if (all([](const std::string& key, const json&) { return index_in(key).has_value(); })) {
    for (const auto& [key, value] : object.items()) {
      auto entry = entry_of(value);
      if (!entry) throw Error(file + ": expected text as label " + key + ", found " + short_text(value));
      entry->index = index_in(key);
      entries.push_back(std::move(*entry));
    }
    return names_of(std::move(entries), file);
  }
  if (all([](const std::string&, const json& value) { return index_of(value).has_value(); })) {
    for (const auto& [key, value] : object.items())
      entries.push_back({is_synset(key) ? "" : std::string(trimmed(key)), synset_in(key), index_of(value)});
    return names_of(std::move(entries), file);
  }
  if (all([](const std::string& key, const json& value) {
        return is_synset(key) && entry_of(value).has_value();
      })) {
    for (const auto& [key, value] : object.items()) {
      ClassEntry entry = entry_of(value).value_or(ClassEntry{});
      entries.push_back({entry.label, key, entry.index});
    }
    ClassNames names = names_of(std::move(entries), file);
    const bool numbered = entry_of(object.front()).value_or(ClassEntry{}).index.has_value();
    if (!numbered && !has_sorted_keys(object, text)) {
      names.unordered = "it maps WordNet ids to names in an order of its own, without the classes' indices";
    }
    return names;
  }
  if (all([](const std::string&, const json& value) {
        return value.is_string() && is_synset(value.get<std::string>());
      })) {
    for (const auto& [key, value] : object.items())
      entries.push_back({std::string(trimmed(key)), value.get<std::string>(), std::nullopt});
    ClassNames names = names_of(std::move(entries), file);
    names.unordered = "it maps names to WordNet ids without the classes' indices";
    return names;
  }
  for (const std::string_view container : kContainers) {
    const auto inner = object.find(std::string(container));
    if (inner == object.end() || inner->empty() || !(inner->is_array() || inner->is_object())) continue;
    return inner->is_array() ? from_array(*inner, file) : from_object(*inner, file, text);
  }
  refuse_value(object, file);
}

ClassNames from_value(const json& value, const std::string& file, std::string_view text) {
  if (value.is_object() && !value.empty()) return from_object(value, file, text);
  if (value.is_array() && !value.empty()) return from_array(value, file);
  if (value.is_structured()) throw Error(file + ": found no labels: " + kExpected);
  refuse_value(value, file);
}

/// The beginning of a JSON value or a Python literal, after an assignment ("names = {"); npos where the text
/// is neither.
std::size_t value_begins(std::string_view text) {
  constexpr std::string_view openings = "[{(";
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return first;
  if (text[first] == '[' || text[first] == '{') return first;
  if (text[first] == '(') {  // a label may begin with a parenthesis, but not with a quote inside
    const std::size_t inside = text.find_first_not_of(" \t\r\n", first + 1);
    const bool quote = inside != std::string_view::npos && (text[inside] == '\'' || text[inside] == '"');
    return quote ? first : std::string_view::npos;
  }
  const std::size_t line = std::min(text.find('\n', first), text.size());
  const std::size_t equals = text.substr(0, line).find('=', first);
  std::size_t from = first;
  if (equals != std::string_view::npos) {
    from = text.find_first_not_of(" \t", equals + 1);
    if (from == std::string_view::npos) return from;
    if (openings.find(text[from]) != std::string_view::npos) return from;
  }
  const std::string_view rest = text.substr(from);
  const bool constructed = rest.starts_with("OrderedDict(") || rest.starts_with("collections.OrderedDict(") ||
                           rest.starts_with("dict(");
  return constructed ? from : std::string_view::npos;
}

// ---- lines --------------------------------------------------------------------------------------------

std::string_view unquoted(std::string_view text) {
  if (text.ends_with(',') && text.size() > 2 && (text[0] == '"' || text[0] == '\'')) text.remove_suffix(1);
  if (text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\''))
    return text.substr(1, text.size() - 2);
  return text;
}

/// The first word of a line and the rest behind the separator.
std::pair<std::string_view, std::string_view> first_word(std::string_view line) {
  const std::size_t end = std::min(line.find_first_of(kSeparators), line.size());
  const std::size_t rest = std::min(line.find_first_not_of(kSeparators, end), line.size());
  return {line.substr(0, end), line.substr(rest)};
}

std::pair<std::string_view, std::string_view> last_word(std::string_view line) {
  const std::size_t separator = line.find_last_of(kSeparators);
  if (separator == std::string_view::npos) return {{}, line};
  const std::size_t end = line.find_last_not_of(kSeparators, separator);
  return {line.substr(separator + 1),
          end == std::string_view::npos ? std::string_view() : line.substr(0, end + 1)};
}

/// Whether the numbers are 0 to N-1 or 1 to N, in any order.
bool numbers_classes(const std::vector<std::uint64_t>& numbers) {
  std::vector<std::uint64_t> sorted = numbers;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != i + sorted[0] || sorted[0] > 1) return false;
  }
  return !sorted.empty();
}

/// Moves the numbers in front of the lines' texts into the entries, where they number the classes.
bool take_leading_indices(std::vector<std::string_view>& texts, std::vector<ClassEntry>& entries) {
  std::vector<std::uint64_t> numbers;
  for (const std::string_view text : texts) {
    const auto [word, rest] = first_word(text);
    const auto number = index_in(word);
    // "0 - zero" is a label of its own form; "0" alone is one as well.
    if (!number || rest.empty() || rest.starts_with("- ")) return false;
    numbers.push_back(*number);
  }
  if (!numbers_classes(numbers)) return false;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    entries[i].index = numbers[i];
    texts[i] = first_word(texts[i]).second;
  }
  return true;
}

/// The same for numbers behind the texts ("tench 0"), where the texts differ ("class 0" is a label).
void take_trailing_indices(std::vector<std::string_view>& texts, std::vector<ClassEntry>& entries) {
  std::vector<std::uint64_t> numbers;
  std::set<std::string_view> different;
  for (const std::string_view text : texts) {
    const auto [word, rest] = last_word(text);
    const auto number = index_in(word);
    if (!number || rest.empty()) return;
    numbers.push_back(*number);
    different.insert(rest);
  }
  if (!numbers_classes(numbers) || different.size() != texts.size()) return;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    entries[i].index = numbers[i];
    texts[i] = last_word(texts[i]).second;
  }
}

bool take_synsets_in_front(std::vector<std::string_view>& texts, std::vector<ClassEntry>& entries) {
  const auto begins = [](std::string_view text) { return is_synset(unquoted(first_word(text).first)); };
  if (!std::ranges::all_of(texts, begins)) return false;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto [word, rest] = first_word(texts[i]);
    entries[i].synset = unquoted(word);
    texts[i] = rest;
  }
  return true;
}

/// Labels after an index and a colon, of which some are missing: not lines of plain labels.
void refuse_gaps(const std::vector<std::string_view>& texts, const std::string& file) {
  std::vector<std::uint64_t> numbers;
  for (const std::string_view text : texts) {
    const auto end = text.find_first_of(":\t,;");
    const auto number = index_in(trimmed(text.substr(0, std::min(end, text.size()))));
    if (!number || end == std::string_view::npos) return;
    numbers.push_back(*number);
  }
  std::vector<ClassEntry> entries;
  for (const std::uint64_t number : numbers) entries.push_back({"", "", number});
  ClassNames ignored;
  sort_by_index(entries, file, ignored);
}

ClassNames from_lines(std::span<const formats::TextLine> lines, const std::string& file, ClassNames names) {
  if (lines.size() > 1 && is_one_of(header_word(lines[0].text), kLabelWords)) {
    names.notes.push_back("the first line, \"" + base::printable(lines[0].text) + "\", is a header");
    lines = lines.subspan(1);
  }
  std::vector<ClassEntry> entries(lines.size());
  std::vector<std::string_view> texts;
  for (const auto& line : lines) texts.push_back(line.text);
  // ImageNet's map_clsloc.txt has the index between the id and the name.
  bool has_synsets = take_synsets_in_front(texts, entries);
  const bool has_indices = texts.size() > 1 && take_leading_indices(texts, entries);
  if (has_indices && !has_synsets) has_synsets = take_synsets_in_front(texts, entries);
  if (texts.size() > 1 && !has_indices) {
    if (!has_synsets) refuse_gaps(texts, file);
    take_trailing_indices(texts, entries);
  }
  const auto is_quoted = [](std::string_view text) { return unquoted(text).size() + 2 <= text.size(); };
  const bool quoted = std::ranges::all_of(texts, is_quoted);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    entries[i].label = trimmed(quoted ? unquoted(texts[i]) : texts[i]);
  }
  return names_of(std::move(entries), file, std::move(names));
}

// ---- tables -------------------------------------------------------------------------------------------

/// The places of the columns that a table's first row names.
struct Columns {
  std::optional<std::size_t> label, index, synset;
  explicit Columns(const std::vector<std::string>& names) {
    const auto place = [&](const auto& words) -> std::optional<std::size_t> {
      for (const std::string_view word : words) {
        for (std::size_t i = 0; i < names.size(); ++i) {
          if (header_word(names[i]) == word) return i;
        }
      }
      return std::nullopt;
    };
    label = place(kLabelWords);
    index = place(kIndexWords);
    synset = place(kSynsetWords);
  }
  bool name_labels() const { return label && (index || synset); }
};

/// Whether the words between the separators of a line name the columns of a table.
bool names_columns(std::string_view line, char separator) {
  std::vector<std::string> words;
  while (true) {
    const auto end = std::min(line.find(separator), line.size());
    words.emplace_back(unquoted(trimmed(line.substr(0, end))));
    if (end == line.size()) return Columns(words).name_labels();
    line.remove_prefix(end + 1);
  }
}

/// The rows of a table whose first line names its columns; empty where the text is none.
std::vector<std::vector<std::string>> table_in(std::string_view text,
                                               std::span<const formats::TextLine> lines,
                                               const std::string& file) {
  for (const char separator : {',', '\t', ';'}) {
    if (!names_columns(lines[0].text, separator)) continue;
    std::vector<std::vector<std::string>> rows;
    for (formats::CsvRow& row : formats::read_csv(text, file, separator)) {
      if (row.fields.size() == 1 && trimmed(row.fields[0]).empty()) continue;  // a line of blanks
      if (!rows.empty() && row.fields.size() != rows[0].size()) {
        throw Error(file + ", line " + std::to_string(row.line) + ": expected " +
                    std::to_string(rows[0].size()) + " fields, found " + std::to_string(row.fields.size()));
      }
      rows.push_back(std::move(row.fields));
    }
    // A quote in the first line may hold separators and the end of the line.
    if (rows.empty() || !Columns(rows[0]).name_labels()) {
      throw Error(file + ", line " + std::to_string(lines[0].number) +
                  ": expected the names of columns without separators and line ends in quotes");
    }
    return rows;
  }
  return {};
}

ClassNames from_table(const std::vector<std::vector<std::string>>& rows, const std::string& file) {
  const Columns columns(rows[0]);
  const std::size_t label = columns.label.value();
  std::vector<ClassEntry> entries;
  for (const auto& row : std::span(rows).subspan(1)) {
    ClassEntry entry;
    entry.label = trimmed(row[label]);
    if (columns.synset) entry.synset = synset_in(trimmed(row[*columns.synset]));
    if (columns.index) {
      const std::string_view word = trimmed(row[*columns.index]);
      if (entry.synset.empty()) entry.synset = synset_in(word);
      entry.index = index_in(word);
      if (!entry.index && entry.synset.empty()) {
        throw Error(file + ": expected the index of a class in the column " +
                    base::printable(rows[0][*columns.index]) + ", found \"" + base::printable(word) + "\"");
      }
    }
    if (is_synset(entry.label) && entry.synset.empty()) entry.synset = entry.label;
    entries.push_back(std::move(entry));
  }
  ClassNames names;
  names.notes.emplace_back("the first line names the columns; the labels are from " +
                           base::printable(rows[0][label]));
  return names_of(std::move(entries), file, std::move(names));
}

// ---- YAML ---------------------------------------------------------------------------------------------

/// The part of a YAML file below `names:`, as a JSON value; null where there is none.
json yaml_names(std::string_view text, const std::string& file) {
  std::size_t at = 0;
  while (!text.substr(at).starts_with("names:")) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return nullptr;
    ++at;
  }
  std::string_view rest = text.substr(at + 6);
  const auto start = rest.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return nullptr;
  if (rest[start] == '[' || rest[start] == '{') {
    // The value ends at the bracket that closes it; behind it other keys may follow.
    const char close = rest[start] == '[' ? ']' : '}';
    const auto end = rest.find(close, start);
    if (end == std::string_view::npos) throw Error(file + ": expected " + close + " after names:");
    return formats::parse_literal(rest.substr(start, end - start + 1), formats::LiteralForm::yaml, file);
  }
  json list = json::array(), by_index = json::object();
  const std::size_t line_end = std::min(rest.find('\n'), rest.size());
  rest.remove_prefix(line_end);
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the line break
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end), word = trimmed(line);
    rest.remove_prefix(end);
    if (word.empty() || word.starts_with('#')) continue;
    const bool is_item = word.starts_with("- ");
    if (!is_item && line[0] != ' ' && line[0] != '\t') break;  // the next key
    const std::size_t colon = word.find(':');
    const std::string_view key =
        is_item ? std::string_view() : trimmed(word.substr(0, std::min(colon, word.size())));
    std::string_view label =
        is_item ? trimmed(word.substr(2)) : trimmed(word.substr(std::min(colon, word.size() - 1) + 1));
    if (const auto comment = label.find(" #"); comment != std::string_view::npos)
      label = trimmed(label.substr(0, comment));
    if (is_item) {
      list.push_back(unquoted(label));
    } else if (!index_in(key) || !by_index.emplace(std::string(key), unquoted(label)).second) {
      throw Error(file + ": expected lines of the form \"0: label\" below names:, each index once, found \"" +
                  base::printable(word) + "\"");
    }
  }
  return list.empty() ? by_index : list;
}

// ---- WordNet ids by names -----------------------------------------------------------------------------

/// A label's names, for comparisons, the strictest first: the whole label as it is, its letters and digits,
/// and those of its parts between commas.
std::vector<std::string> names_in(const std::string& label) {
  std::vector<std::string> names{"=" + base::lower(label), base::slug(label)};
  std::string_view rest = label;
  for (auto comma = rest.find(','); comma != std::string_view::npos; comma = rest.find(',')) {
    names.push_back(base::slug(rest.substr(0, comma)));
    rest.remove_prefix(comma + 1);
  }
  names.push_back(base::slug(rest));
  return names;
}

bool share_a_name(const std::string& a, const std::string& b) {
  const auto left = names_in(a), right = names_in(b);
  return std::ranges::any_of(left, [&](const std::string& name) {
    return !name.empty() && std::ranges::find(right, name) != right.end();
  });
}

}  // namespace

bool is_synset(std::string_view word) {
  return word.size() == 9 && word[0] == 'n' &&
         std::ranges::all_of(word.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

ClassNames class_names_in(const json& value, const std::string& file) { return from_value(value, file, {}); }

ClassNames parse_class_names(std::span<const std::byte> bytes, const std::string& file) {
  const std::string text = formats::decode_text(bytes, file);
  if (const auto begin = value_begins(text); begin != std::string::npos) {
    const std::string_view rest = std::string_view(text).substr(begin);
    json value = base::parse_json<json>(rest, kDeepestLabels);
    if (value.is_discarded()) value = formats::parse_literal(rest, formats::LiteralForm::python, file);
    return from_value(value, file, rest);
  }
  const std::vector<formats::TextLine> lines = formats::lines_of(text);
  if (lines.empty()) throw Error(file + ": found no labels: " + kExpected);
  if (const json names = yaml_names(text, file); !names.is_null()) return from_value(names, file, text);
  if (const auto table = table_in(text, lines, file); table.size() > 1) return from_table(table, file);
  ClassNames names;
  const std::size_t empty = lines.back().number - lines.front().number + 1 - lines.size();
  if (empty > 0)
    names.notes.push_back(std::to_string(empty) + " empty lines between the labels do not count");
  return from_lines(lines, file, std::move(names));
}

ClassNames read_class_names(const std::filesystem::path& file) {
  return parse_class_names(base::read_file(file, kLargestLabelFile), base::printable(file.string(), 400));
}

void require_order(const ClassNames& names) {
  if (names.unordered.empty()) return;
  throw Error(names.file + ": " + names.unordered +
              "; give a file with one label per class in the order of the network's classes");
}

void check_class_names(const ClassNames& names, std::int64_t classes, const std::string& model_file) {
  require_order(names);
  const auto found = static_cast<std::int64_t>(names.labels.size());
  if (found == classes) return;
  std::string hint;
  const std::string first = base::lower(names.labels.front());
  if (found == classes + 1 && (first.find("background") != std::string::npos || first == "dummy")) {
    hint = " (its first label, \"" + base::printable(names.labels.front()) + "\", may be none of them)";
  } else if (classes == found + 1) {
    hint = " (the network may have a class for the background, which the file lacks)";
  }
  throw Error(names.file + ": found " + std::to_string(found) + " labels, but the network in " + model_file +
              " has " + std::to_string(classes) + " classes" + hint +
              "; give a file with one label per class, in the order of the classes");
}

void take_synsets(const ClassNames& names, Model& model) {
  if (names.synsets.empty()) {
    throw Error(
        names.file +
        ": found no WordNet ids; expected lines such as \"n01440764 tench\", or a JSON object such as "
        "{\"0\": [\"n01440764\", \"tench\"]}");
  }
  const auto classes = static_cast<std::size_t>(model.class_count());
  const bool same_order = names.unordered.empty() && names.labels.size() == classes &&
                          (model.labels.empty() || names.labels == names.synsets ||
                           std::ranges::equal(names.labels, model.labels, share_a_name));
  if (same_order) {
    model.synsets = names.synsets;
    return;
  }
  if (model.labels.empty()) check_class_names(names, model.class_count(), model.source);
  // By name; a name of several entries, or of several classes, says nothing.
  std::map<std::string, std::set<std::size_t>> entries, owners;
  for (std::size_t i = 0; i < names.labels.size(); ++i)
    for (std::string& name : names_in(names.labels[i])) entries[std::move(name)].insert(i);
  for (std::size_t i = 0; i < model.labels.size(); ++i)
    for (std::string& name : names_in(model.labels[i])) owners[std::move(name)].insert(i);
  std::vector<std::string> synsets(model.labels.size());
  std::size_t known = 0;
  for (std::size_t i = 0; i < model.labels.size(); ++i) {
    for (const std::string& name : names_in(model.labels[i])) {
      const auto found = entries.find(name);
      if (name.empty() || found == entries.end() || found->second.size() != 1 || owners[name].size() != 1)
        continue;
      synsets[i] = names.synsets[*found->second.begin()];
      ++known;
      break;
    }
  }
  if (known == 0) {
    throw Error(names.file + ": none of its " + std::to_string(names.labels.size()) +
                " names is a label of the model (\"" + base::printable(names.labels.front()) +
                "\" against \"" + base::printable(model.label(0)) +
                "\"); give a file that names the model's classes");
  }
  model.synsets = std::move(synsets);
}

}  // namespace ablaze::models
