#include "formats/csv.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include <ablaze/error.hpp>

#include "base/folders.hpp"
#include "base/text.hpp"
#include "evaluate/dataset/box_words.hpp"
#include "evaluate/dataset/dataset.hpp"
#include "evaluate/dataset/label_index.hpp"
#include "formats/text_file.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestList = std::uint64_t{256} << 20;
constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

using formats::CsvRow;
using formats::trimmed;
using Words = std::vector<std::string_view>;

/// The names of the columns, the usual one first. Case, blanks and dashes do not count.
struct ColumnNames {
  Words path{"path",     "file",       "filename",  "file_name",  "filepath",   "file_path",
             "image",    "image_path", "imagepath", "image_name", "image_file", "img",
             "img_path", "photo",      "imageid",   "image_id"};
  Words label{"label",     "class", "class_name", "classname", "category", "category_name", "label_name",
              "labelname", "name",  "wnid",       "synset",    "target",   "class_id",      "category_id"};
  Words boxes{"boxes"};
  Words left{"xmin",      "x_min",      "x1",      "x0",        "left",
             "bbox_xmin", "bbox_x_min", "bbox_x1", "bbox_left", "box_xmin"};
  Words top{"ymin", "y_min", "y1", "y0", "top", "bbox_ymin", "bbox_y_min", "bbox_y1", "bbox_top", "box_ymin"};
  Words right{"xmax", "x_max", "x2", "right", "bbox_xmax", "bbox_x_max", "bbox_x2", "bbox_right", "box_xmax"};
  Words bottom{"ymax",       "y_max",   "y2",          "bottom",  "bbox_ymax",
               "bbox_y_max", "bbox_y2", "bbox_bottom", "box_ymax"};
  Words x{"x", "bbox_x", "box_x"}, y{"y", "bbox_y", "box_y"};
  Words centre_x{"cx", "x_center", "x_centre", "xcenter", "center_x", "centre_x", "bbox_cx"};
  Words centre_y{"cy", "y_center", "y_centre", "ycenter", "center_y", "centre_y", "bbox_cy"};
  Words width{"w", "width", "bbox_w", "bbox_width", "box_w", "box_width"};
  Words height{"h", "height", "bbox_h", "bbox_height", "box_h", "box_height"};
  Words photo_width{"image_width", "img_width", "photo_width", "image_w"};
  Words photo_height{"image_height", "img_height", "photo_height", "image_h"};
};

/// What the four numbers of a box are.
enum class BoxForm {
  none,
  column,   ///< one column of text
  corners,  ///< left, top, right, bottom
  corner,   ///< left, top, width, height
  centre    ///< centre, width, height
};

/// The index of each column.
struct Columns {
  std::size_t path = kAbsent, label = kAbsent, boxes = kAbsent;
  BoxForm form = BoxForm::none;
  std::array<std::size_t, 4> sides{kAbsent, kAbsent, kAbsent, kAbsent};
  std::array<std::size_t, 2> drawn_in{kAbsent, kAbsent};  ///< width and height of the annotated photo
};

/// "Image-Path" as image_path.
std::string column_word(std::string_view field) {
  std::string word = base::lower(trimmed(field));
  std::ranges::replace(word, ' ', '_');
  std::ranges::replace(word, '-', '_');
  return word;
}

bool names_picture(std::string_view path) {
  const std::string ending = base::lower(fs::path(trimmed(path)).extension().string());
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

class Header {
 public:
  Header(const CsvRow& row, const std::string& file) : row_(row), file_(file) {
    for (const std::string& field : row.fields) words_.push_back(column_word(field));
  }

  Columns columns() {
    Columns out;
    out.path = take(names_.path);
    if (out.path == kAbsent) refuse_header();
    out.label = take(names_.label);
    out.boxes = take(names_.boxes);
    take_boxes(out);
    if (out.form != BoxForm::none && out.boxes != kAbsent) {
      throw Error(file_ +
                  ": found boxes both in the column boxes and in columns of single numbers; use one of the "
                  "two forms");
    }
    if (out.boxes != kAbsent) out.form = BoxForm::column;
    return out;
  }

  /// The columns that nothing reads.
  std::vector<std::string> unread() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (!read_.contains(i) && !words_[i].empty())
        names.push_back(base::printable(trimmed(row_.fields[i]), 40));
    }
    return names;
  }

 private:
  std::size_t find(const Words& names) const {
    for (const std::string_view name : names) {
      const auto found = std::ranges::find(words_, name);
      if (found != words_.end()) return static_cast<std::size_t>(found - words_.begin());
    }
    return kAbsent;
  }
  std::size_t take(const Words& names) {
    const std::size_t found = find(names);
    if (found != kAbsent) read_.insert(found);
    return found;
  }

  /// Of the forms that the columns fit, the one whose four columns are all there.
  void take_boxes(Columns& out) {
    const std::array<std::size_t, 2> left_top{find(names_.left), find(names_.top)},
        right_bottom{find(names_.right), find(names_.bottom)}, xy{find(names_.x), find(names_.y)},
        centre{find(names_.centre_x), find(names_.centre_y)}, extent{find(names_.width), find(names_.height)};
    const auto whole = [](const auto& pair) { return pair[0] != kAbsent && pair[1] != kAbsent; };
    const auto take_form = [&](BoxForm form, const auto& first, const auto& second) {
      out.form = form;
      out.sides = {first[0], first[1], second[0], second[1]};
      read_.insert(out.sides.begin(), out.sides.end());
    };
    if (whole(left_top) && whole(right_bottom)) {
      take_form(BoxForm::corners, left_top, right_bottom);
      // As in TensorFlow's tables, the other two numbers are the photo's size.
      out.drawn_in = extent;
    } else if (whole(centre) && whole(extent)) {
      take_form(BoxForm::centre, centre, extent);
    } else if (whole(xy) && whole(extent)) {
      take_form(BoxForm::corner, xy, extent);
    } else if (whole(left_top) && whole(extent)) {
      take_form(BoxForm::corner, left_top, extent);
    } else {
      return refuse_parts({left_top, right_bottom, xy, centre});
    }
    const std::array<std::size_t, 2> photo{find(names_.photo_width), find(names_.photo_height)};
    if (whole(photo)) out.drawn_in = photo;
    if (!whole(out.drawn_in)) out.drawn_in = {kAbsent, kAbsent};
    for (const std::size_t column : out.drawn_in)
      if (column != kAbsent) read_.insert(column);
  }

  /// Some columns of a box without the others are not left out in silence.
  void refuse_parts(const std::vector<std::array<std::size_t, 2>>& parts) const {
    std::set<std::size_t> found;
    for (const auto& pair : parts) found.insert(pair.begin(), pair.end());
    found.erase(kAbsent);
    const bool text = std::ranges::find(words_, "bbox") != words_.end();
    if (found.empty() && !text) return;
    if (text) {
      throw Error(file_ +
                  ": the column bbox may hold corners or a corner with sizes; name it boxes and give \"left "
                  "top right "
                  "bottom\", or give the columns xmin, ymin, xmax, ymax or x, y, width, height");
    }
    std::vector<std::string> names;
    for (const std::size_t column : found) names.push_back(words_[column]);
    throw Error(file_ +
                ": boxes need the columns xmin, ymin, xmax and ymax, or x, y, width and height; found " +
                std::to_string(found.size()) + " of them (" + base::join(names) + ")");
  }

  [[noreturn]] void refuse_header() const {
    const bool starts_at_once = std::ranges::any_of(row_.fields, names_picture);
    throw Error(file_ + ": expected column names with path in the first line (path,label,boxes or " +
                "path,label,xmin,ymin,xmax,ymax); found \"" + base::printable(base::join(row_.fields, ", ")) +
                "\"" + (starts_at_once ? "; the list begins without a header, so add one" : ""));
  }

  const CsvRow& row_;
  const std::string& file_;
  const ColumnNames names_;
  std::vector<std::string> words_;
  std::set<std::size_t> read_;
};

Words split(std::string_view text, std::string_view separators) {
  Words parts;
  while (true) {
    const auto start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) return parts;
    text.remove_prefix(start);
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

/// A box with its line, until it is known what the file's numbers are.
struct RawBox {
  std::size_t photo = 0;
  BoxSides sides;
  std::string where;
};

BoxSides sides_of(const std::array<std::string_view, 4>& words, BoxForm form, const std::string& where) {
  if (form == BoxForm::corners) return parse_box(words, where);
  std::array<double, 4> v{};
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = parse_number(words[i], where);
  if (v[2] < 0 || v[3] < 0) throw Error(where + ": expected a width and a height of 0 or more");
  if (form == BoxForm::corner) return {v[0], v[1], v[0] + v[2], v[1] + v[3]};
  return {v[0] - v[2] / 2, v[1] - v[3] / 2, v[0] + v[2] / 2, v[1] + v[3] / 2};
}

/// Collects rows into photos: rows with the same path and label are one photo.
class Collector {
 public:
  Collector(const fs::path& file, const Model& model) : folder_(file.parent_path()), classes_(model) {}

  void add(const CsvRow& row, const Columns& columns, const std::string& where) {
    const std::string path(trimmed(row.fields[columns.path]));
    if (path.empty()) throw Error(where + ": expected a path, found an empty field");
    std::optional<std::int64_t> label;
    if (columns.label != kAbsent) {
      const std::string_view word = trimmed(row.fields[columns.label]);
      if (!word.empty()) label = classes_.at(word, where);
    }
    const auto [known, added] = index_.try_emplace({path, label}, dataset_.photos.size());
    if (added) dataset_.photos.push_back({path, located(path), label, {}, {}});
    add_boxes(row, columns, known->second, where);
  }

  Dataset take() {
    place_boxes();
    return std::move(dataset_);
  }

 private:
  /// Lists often name photos without the ending.
  fs::path located(const std::string& path) const {
    fs::path file = folder_ / path;
    if (names_picture(path) || base::exists(file)) return file;
    for (const char* const added : {".jpg", ".JPEG", ".jpeg", ".png", ".JPG", ".PNG"}) {
      fs::path whole = file;
      if (base::is_regular_file(whole.concat(added))) return whole;
    }
    return file;
  }

  void add_boxes(const CsvRow& row, const Columns& columns, std::size_t photo, const std::string& where) {
    if (columns.form == BoxForm::column) {
      // Also lists in brackets: [[1, 2, 3, 4], [5, 6, 7, 8]].
      for (const std::string_view text : split(row.fields[columns.boxes], ";])")) {
        const auto numbers = split(text, " \t,[(");
        if (!numbers.empty()) raw_.push_back({photo, parse_box(numbers, where), where});
      }
    } else if (columns.form != BoxForm::none) {
      std::array<std::string_view, 4> numbers;
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = trimmed(row.fields[columns.sides[i]]);
      const auto empty = [](std::string_view number) { return number.empty(); };
      if (std::ranges::all_of(numbers, empty)) return;
      raw_.push_back({photo, sides_of(numbers, columns.form, where), where});
      take_size(row, columns, photo, where);
    }
  }

  void take_size(const CsvRow& row, const Columns& columns, std::size_t photo, const std::string& where) {
    if (columns.drawn_in[0] == kAbsent) return;
    const std::string_view width = trimmed(row.fields[columns.drawn_in[0]]),
                           height = trimmed(row.fields[columns.drawn_in[1]]);
    if (width.empty() && height.empty()) return;
    const DrawnIn size{parse_number(width, where), parse_number(height, where)};
    if (!(size.width > 1 && size.height > 1))
      throw Error(where + ": expected the photo's width and height in pixels");
    const auto [known, added] = sizes_.try_emplace(photo, size);
    if (!added && known->second != size)
      throw Error(where + ": the photo's size is another than in the lines before");
  }

  /// Fractions of the photo, where all numbers of the file can be; else pixels.
  void place_boxes() {
    constexpr double slack = 0.05;  // rounding, and boxes that reach slightly beyond the photo
    const auto is_fraction = [](double side) { return side >= -slack && side <= 1 + slack; };
    const auto fits = [&](const RawBox& box) {
      return is_fraction(box.sides.left) && is_fraction(box.sides.top) && is_fraction(box.sides.right) &&
             is_fraction(box.sides.bottom);
    };
    const bool fractions = !raw_.empty() && std::ranges::all_of(raw_, fits);
    std::size_t thin = 0;
    for (const RawBox& box : raw_) {
      const BoxSides& s = box.sides;
      const bool small =
          s.right <= 1 && s.bottom <= 1 && s.left >= 0 && s.top >= 0 && s.right != std::floor(s.right);
      if (!fractions && small) {
        throw Error(box.where +
                    ": this box seems to be in fractions of the photo, others of the file are in pixels; use "
                    "one of the two");
      }
      thin += s.left == s.right || s.top == s.bottom ? 1 : 0;
      DatasetPhoto& photo = dataset_.photos[box.photo];
      const auto size = sizes_.find(box.photo);
      photo.drawn_in = fractions ? DrawnIn{1, 1} : size == sizes_.end() ? DrawnIn{} : size->second;
      photo.boxes.push_back({s.left, s.top, s.right - s.left, s.bottom - s.top});
      if (photo.drawn_in != DrawnIn{}) continue;
      const PixelRectangle pixels = touched_pixels(photo.boxes.back());
      photo.boxes.back() = {double(pixels.x), double(pixels.y), double(pixels.width), double(pixels.height)};
    }
    if (fractions)
      dataset_.remarks.emplace_back("the boxes are fractions of the photos: no number is above 1");
    if (thin > 0)
      dataset_.remarks.push_back(std::to_string(thin) +
                                 " boxes without width or height are taken as one pixel wide or high");
  }

  fs::path folder_;
  LabelIndex classes_;
  std::map<std::pair<std::string, std::optional<std::int64_t>>, std::size_t> index_;
  std::vector<RawBox> raw_;
  std::map<std::size_t, DrawnIn> sizes_;
  Dataset dataset_;
};

/// A line of a list without a header: a path, or a path and the index of its class behind a blank.
CsvRow plain_line(const CsvRow& row) {
  const std::string_view line = trimmed(row.fields[0]);
  const std::size_t blank = line.find_last_of(" \t");
  if (names_picture(line) || blank == std::string_view::npos) return {row.line, {std::string(line), ""}};
  return {row.line, {std::string(trimmed(line.substr(0, blank))), std::string(line.substr(blank + 1))}};
}

/// Whether the rows are photos' paths without a header, as in YOLO's train.txt and Caffe's val.txt.
bool is_plain_list(const std::vector<CsvRow>& rows) {
  return !rows.empty() && rows.front().fields.size() == 1 &&
         names_picture(plain_line(rows.front()).fields[0]);
}

Dataset read_plain_list(const std::vector<CsvRow>& rows, const fs::path& file, const Model& model,
                        const std::string& name) {
  Columns columns;
  columns.path = 0, columns.label = 1;
  Collector photos(file, model);
  for (const CsvRow& row : rows) {
    const std::string where = name + ", line " + std::to_string(row.line);
    if (row.fields.size() != 1)
      throw Error(where + ": expected a path, and the index of its class or nothing behind it");
    photos.add(plain_line(row), columns, where);
  }
  return photos.take();
}

/// The character between the header's fields.
char separator_in(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  if (line.find(',') != std::string_view::npos) return ',';
  if (line.find('\t') != std::string_view::npos) return '\t';
  return line.find(';') != std::string_view::npos ? ';' : ',';
}

}  // namespace

Dataset read_csv(const fs::path& file, const Model& model) {
  const std::string name = base::printable(file.string(), 400);
  const std::string text = formats::read_text_file(file, kLargestList);
  const auto rows = formats::read_csv(text, name, separator_in(text));
  if (is_plain_list(rows)) return read_plain_list(rows, file, model, name);
  if (rows.size() < 2) throw Error(name + ": expected a line of column names and one line per photo");
  Header header(rows.front(), name);
  const Columns columns = header.columns();
  Collector photos(file, model);
  for (const CsvRow& row : std::span(rows).subspan(1)) {
    const std::string where = name + ", line " + std::to_string(row.line);
    if (row.fields.size() != rows.front().fields.size()) {
      throw Error(where + ": expected " + std::to_string(rows.front().fields.size()) + " fields, found " +
                  std::to_string(row.fields.size()));
    }
    photos.add(row, columns, where);
  }
  Dataset dataset = photos.take();
  if (const auto unread = header.unread(); !unread.empty())
    dataset.remarks.push_back("columns that are not read: " + base::join(unread));
  return dataset;
}

}  // namespace ablaze::evaluate
