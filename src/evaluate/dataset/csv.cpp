#include "formats/csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/text.hpp"
#include "evaluate/dataset/box_words.hpp"
#include "evaluate/dataset/dataset.hpp"
#include "evaluate/dataset/label_index.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestList = std::uint64_t{256} << 20;
constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);
constexpr std::array<std::string_view, 4> kSides{"xmin", "ymin", "xmax", "ymax"};

/// The index of each column.
struct Columns {
  std::size_t path = kAbsent, label = kAbsent, boxes = kAbsent;
  std::array<std::size_t, 4> sides{kAbsent, kAbsent, kAbsent, kAbsent};

  bool has_sides() const { return sides[0] != kAbsent; }
};

std::size_t column(const formats::CsvRow& header, std::string_view name) {
  const auto named = [&](const std::string& field) { return base::lower(field) == name; };
  const auto found = std::find_if(header.fields.begin(), header.fields.end(), named);
  return found == header.fields.end() ? kAbsent : static_cast<std::size_t>(found - header.fields.begin());
}

Columns columns_of(const formats::CsvRow& header, const std::string& file) {
  Columns columns{column(header, "path"), column(header, "label"), column(header, "boxes"), {}};
  for (std::size_t i = 0; i < kSides.size(); ++i) columns.sides[i] = column(header, kSides[i]);
  if (columns.path == kAbsent) {
    throw Error(file + ": expected column names with path in the first line (path,label,boxes or " +
                "path,label,xmin,ymin,xmax,ymax); found \"" +
                base::printable(base::join(header.fields, ", ")) + "\"");
  }
  const auto missing = std::count(columns.sides.begin(), columns.sides.end(), kAbsent);
  if (missing != 0 && missing != 4) {
    throw Error(file + ": boxes need the columns xmin, ymin, xmax and ymax; found " +
                std::to_string(4 - missing) + " of them");
  }
  if (columns.has_sides() && columns.boxes != kAbsent) {
    throw Error(
        file +
        ": found boxes both in the column boxes and in xmin, ymin, xmax and ymax; use one of the two forms");
  }
  return columns;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) return parts;
    text.remove_prefix(start);
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::vector<PixelRectangle> boxes_of(const formats::CsvRow& row, const Columns& columns,
                                     const std::string& where) {
  std::vector<PixelRectangle> boxes;
  if (columns.has_sides()) {
    std::array<std::string_view, 4> numbers;
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = row.fields[columns.sides[i]];
    const auto empty = [](std::string_view number) { return number.empty(); };
    if (!std::all_of(numbers.begin(), numbers.end(), empty)) boxes.push_back(parse_box(numbers, where));
  } else if (columns.boxes != kAbsent) {
    for (const std::string_view text : split(row.fields[columns.boxes], ";")) {
      const auto numbers = split(text, " \t");
      if (!numbers.empty()) boxes.push_back(parse_box(numbers, where));
    }
  }
  return boxes;
}

/// Collects rows into photos: rows with the same path and label are one photo.
class Collector {
 public:
  Collector(const fs::path& file, const Model& model) : folder_(file.parent_path()), classes_(model) {}

  void add(const formats::CsvRow& row, const Columns& columns, const std::string& where) {
    const std::string& path = row.fields[columns.path];
    if (path.empty()) throw Error(where + ": expected a path, found an empty field");
    std::optional<std::int64_t> label;
    if (columns.label != kAbsent && !row.fields[columns.label].empty()) {
      label = classes_.at(row.fields[columns.label], where);
    }
    const auto [known, added] = index_.try_emplace({path, label}, dataset_.photos.size());
    if (added) dataset_.photos.push_back({path, folder_ / path, label, {}});
    auto& boxes = dataset_.photos[known->second].boxes;
    for (const PixelRectangle& box : boxes_of(row, columns, where)) boxes.push_back(box);
  }

  Dataset take() { return std::move(dataset_); }

 private:
  fs::path folder_;
  LabelIndex classes_;
  std::map<std::pair<std::string, std::optional<std::int64_t>>, std::size_t> index_;
  Dataset dataset_;
};

}  // namespace

Dataset read_csv(const fs::path& file, const Model& model) {
  const auto bytes = base::read_file(file, kLargestList);
  const std::string name = base::printable(file.string(), 400);
  const auto rows = formats::read_csv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
  if (rows.size() < 2) throw Error(name + ": expected a line of column names and one line per photo");
  const Columns columns = columns_of(rows.front(), name);
  Collector photos(file, model);
  for (const formats::CsvRow& row : std::span(rows).subspan(1)) {
    const std::string where = name + ", line " + std::to_string(row.line);
    if (row.fields.size() != rows.front().fields.size()) {
      throw Error(where + ": expected " + std::to_string(rows.front().fields.size()) + " fields, found " +
                  std::to_string(row.fields.size()));
    }
    photos.add(row, columns, where);
  }
  return photos.take();
}

}  // namespace ablaze::evaluate
