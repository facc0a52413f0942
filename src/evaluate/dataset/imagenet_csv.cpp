#include <algorithm>
#include <array>
#include <map>

#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "evaluate/dataset/annotations.hpp"
#include "evaluate/dataset/box_words.hpp"
#include "formats/csv.hpp"
#include "formats/text_file.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestSolution = std::uint64_t{256} << 20;

/// LOC_train_solution.csv and LOC_val_solution.csv: "n01978287 240 170 260 240 n01978287 ..." for each photo.
class ImageNetSolution : public Annotations {
 public:
  explicit ImageNetSolution(const fs::path& file) : name_(base::printable(file.string(), 400)) {
    const auto rows = formats::read_csv(formats::read_text_file(file, kLargestSolution), name_);
    const std::vector<std::string> header{"ImageId", "PredictionString"};
    if (rows.empty() || rows.front().fields != header) {
      throw Error(name_ +
                  ": expected ImageNet's columns ImageId,PredictionString; a table of photos with boxes "
                  "(path,label,xmin,...) is given in place of the photos' folder");
    }
    for (std::size_t i = 1; i < rows.size(); ++i) {
      const std::string where = name_ + ", line " + std::to_string(rows[i].line);
      if (rows[i].fields.size() != 2) throw Error(where + ": expected two fields");
      if (!by_stem_.try_emplace(rows[i].fields[0], objects_in(rows[i].fields[1], where)).second)
        throw Error(where + ": the photo " + base::printable(rows[i].fields[0]) + " stands there twice");
    }
  }

  std::optional<PhotoObjects> find(const DatasetPhoto& photo) override {
    const auto found = by_stem_.find(photo.file.stem().string());
    if (found == by_stem_.end()) return std::nullopt;
    PhotoObjects objects = found->second;
    objects.source = name_ + ", " + found->first;
    return objects;
  }
  std::string expected() const override { return "the photos' names without ending as ImageId"; }

 private:
  static PhotoObjects objects_in(std::string_view text, const std::string& where) {
    std::vector<std::string_view> words;
    while (true) {
      text = formats::trimmed(text);
      if (text.empty()) break;
      const std::size_t end = std::min(text.find(' '), text.size());
      words.push_back(text.substr(0, end));
      text.remove_prefix(end);
    }
    if (words.size() % 5 != 0)
      throw Error(where + ": expected a WordNet id and four numbers for each object");
    PhotoObjects objects;
    for (std::size_t i = 0; i < words.size(); i += 5) {
      const BoxSides sides = parse_box(std::span(words).subspan(i + 1, 4), where);
      // The numbers are those of the XML files: counted from 1, the last pixel included.
      objects.objects.push_back(
          {std::string(words[i]),
           {sides.left - 1, sides.top - 1, sides.right - sides.left + 1, sides.bottom - sides.top + 1}});
    }
    return objects;
  }

  std::string name_;
  std::map<std::string, PhotoObjects> by_stem_;
};

}  // namespace

std::unique_ptr<Annotations> open_imagenet_csv(const fs::path& file) {
  return std::make_unique<ImageNetSolution>(file);
}

}  // namespace ablaze::evaluate
