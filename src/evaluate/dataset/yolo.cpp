#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/folders.hpp"
#include "base/text.hpp"
#include "evaluate/dataset/annotations.hpp"
#include "evaluate/dataset/box_words.hpp"
#include "formats/text_file.hpp"
#include "models/class_names.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestYolo = std::uint64_t{4} << 20;
constexpr double kSlack = 0.05;  // rounding, and boxes that reach slightly beyond the photo
constexpr std::array<const char*, 6> kNameFiles{"data.yaml",   "data.yml",  "dataset.yaml",
                                                "classes.txt", "obj.names", "_darknet.labels"};

/// The file of the classes' names in a folder or one of the two above it.
fs::path name_file_near(const fs::path& folder) {
  std::error_code ignored;
  fs::path place = fs::absolute(folder, ignored).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();
  for (int level = 0; level < 3 && base::is_folder(place); ++level, place = place.parent_path()) {
    for (const char* const name : kNameFiles)
      if (base::is_regular_file(place / name)) return place / name;
    // Any other name, where it is the only one.
    std::vector<fs::path> others;
    for (const fs::path& entry : base::entries_of(place)) {
      const std::string ending = base::lower(entry.extension().string());
      if (ending == ".yaml" || ending == ".yml" || ending == ".names") others.push_back(entry);
    }
    if (others.size() == 1 && base::is_regular_file(others[0])) return others[0];
  }
  return {};
}

/// labels/ for the last images/ of a path.
fs::path labels_beside_images(const fs::path& file) {
  std::error_code ignored;
  const fs::path whole = fs::absolute(file, ignored).lexically_normal().parent_path();
  std::vector<fs::path> parts(whole.begin(), whole.end());
  const auto images = std::find(parts.rbegin(), parts.rend(), fs::path("images"));
  if (images != parts.rend()) *images = "labels";
  fs::path out;
  for (const fs::path& part : parts) out /= part;
  return out;
}

class YoloFolder : public Annotations {
 public:
  YoloFolder(fs::path folder, const fs::path& given) : folder_(std::move(folder)) {
    const fs::path file = given.empty() ? name_file_near(folder_) : given;
    if (file.empty()) {
      throw Error(base::printable(folder_.string(), 400) +
                  ": found YOLO's text files, but no names for their classes; expected data.yaml or "
                  "classes.txt in this "
                  "folder or above it");
    }
    models::ClassNames names = models::read_class_names(file);
    names_ = std::move(names.labels);
  }

  std::optional<PhotoObjects> find(const DatasetPhoto& photo) override {
    fs::path file = folder_.empty() ? labels_beside_images(photo.file) / photo.file.stem().concat(".txt")
                                    : file_for(photo, folder_, ".txt");
    if (folder_.empty() && !base::is_regular_file(file))
      file = fs::path(photo.file).replace_extension(".txt");
    if (file.empty() || !base::is_regular_file(file)) return std::nullopt;
    const std::string name = base::printable(file.string(), 400);
    PhotoObjects objects = read_yolo(formats::read_text_file(file, kLargestYolo), names_, name);
    objects.source = file.string();
    return objects;
  }
  std::string expected() const override {
    return folder_.empty() ? "text files with the photos' names (STEM.txt) in labels/ beside images/, or "
                             "beside the photos"
                           : "text files with the photos' names (STEM.txt for STEM.jpg)";
  }

 private:
  fs::path folder_;
  std::vector<std::string> names_;
};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

double fraction(std::string_view word, const std::string& where) {
  const double value = parse_number(word, where);
  if (value < -kSlack || value > 1 + kSlack) {
    throw Error(where + ": expected fractions of the photo, from 0 to 1, found " + base::printable(word));
  }
  return value;
}

/// The box of a centre with a size, or around a polygon.
Rectangle yolo_box(const std::vector<std::string_view>& words, const std::string& where) {
  if (words.size() == 5 || words.size() == 6) {  // a sixth word is a detector's confidence
    const double x = fraction(words[1], where), y = fraction(words[2], where);
    const double width = fraction(words[3], where), height = fraction(words[4], where);
    if (width < 0 || height < 0) throw Error(where + ": expected a width and a height of 0 or more");
    return {x - width / 2, y - height / 2, width, height};
  }
  if (words.size() < 7 || words.size() % 2 == 0) {
    throw Error(
        where +
        ": expected a class, and the centre, width and height of a box (or a polygon's points), found " +
        std::to_string(words.size()) + " words");
  }
  double left = 2, top = 2, right = -1, bottom = -1;
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const double x = fraction(words[i], where), y = fraction(words[i + 1], where);
    left = std::min(left, x), right = std::max(right, x);
    top = std::min(top, y), bottom = std::max(bottom, y);
  }
  return {left, top, right - left, bottom - top};
}

}  // namespace

PhotoObjects read_yolo(std::string_view text, const std::vector<std::string>& names,
                       const std::string& where) {
  PhotoObjects objects;
  objects.drawn_in = {1, 1};
  for (const formats::TextLine& line : formats::lines_of(text)) {
    const std::string at = where + ", line " + std::to_string(line.number);
    const auto words = words_of(line.text);
    const double index = parse_number(words[0], at);
    if (!(index >= 0) || index >= static_cast<double>(names.size()) || index != std::floor(index)) {
      throw Error(at + ": expected the index of one of " + std::to_string(names.size()) + " classes, found " +
                  base::printable(words[0]));
    }
    objects.objects.push_back({names[static_cast<std::size_t>(index)], yolo_box(words, at)});
  }
  return objects;
}

std::unique_ptr<Annotations> open_yolo(const fs::path& folder, const fs::path& names) {
  return std::make_unique<YoloFolder>(folder, names);
}

}  // namespace ablaze::evaluate
