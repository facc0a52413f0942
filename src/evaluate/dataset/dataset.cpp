#include "evaluate/dataset/dataset.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include <ablaze/error.hpp>

#include "base/sha256.hpp"
#include "base/text.hpp"
#include "evaluate/dataset/label_index.hpp"
#include "models/class_names.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

/// The names of the folders with photos that match no class.
std::vector<std::string> folders_without_class(const Dataset& dataset) {
  std::set<std::string> names;
  for (const DatasetPhoto& photo : dataset.photos) {
    if (!photo.label) names.insert(fs::path(photo.path).parent_path().filename().string());
  }
  return {names.begin(), names.end()};
}

/// The shortest text of a number: whole numbers without a point.
std::string shortest(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

constexpr std::size_t kMostNamed = 5;

/// Either all folders are classes, or none.
void check_labels(Dataset& dataset, const Model& model) {
  std::vector<std::string> unknown = folders_without_class(dataset);
  if (unknown.empty()) return;
  const bool some = std::any_of(dataset.photos.begin(), dataset.photos.end(),
                                [](const DatasetPhoto& photo) { return photo.label.has_value(); });
  const std::string first = unknown.front();
  for (std::string& name : unknown) name = name.empty() ? "the folder itself" : base::printable(name);
  if (unknown.size() > kMostNamed) {
    unknown.resize(kMostNamed);
    unknown.emplace_back("others");
  }
  if (some) {
    throw Error(
        "some folders of photos have the names of the model's classes, but not " + base::join(unknown) +
        base::did_you_mean(first, model.labels) +
        (models::is_synset(first) ? std::string(". ") + kSynsetHelp + "; or else" : std::string(":")) +
        " rename or move these, or list the photos in a CSV file (path,label)");
  }
  // Before the names are shortened for a message.
  if (models::is_synset(first)) {
    throw Error("the folders of photos have the names " + base::join(unknown) +
                ", and the model does not know its classes by such names. " + kSynsetHelp);
  }
  if (!first.empty() || unknown.size() > 1) {
    dataset.remarks.emplace_back("no folder has the name of a class of the model: the photos have no labels");
  }
}

}  // namespace

Dataset read_folder(std::span<const fs::path> files, const fs::path& folder, const Model& model) {
  const LabelIndex classes(model);
  Dataset dataset;
  for (const fs::path& file : files) {
    const fs::path path = file.lexically_relative(folder);
    dataset.photos.push_back(
        {path.generic_string(), file, classes.find(path.parent_path().filename().string()), {}, {}});
  }
  check_labels(dataset, model);
  return dataset;
}

std::string signature(const Dataset& dataset) {
  std::string text;
  for (const DatasetPhoto& photo : dataset.photos) {
    // Lengths first, so that no two different lists have the same text.
    text += std::to_string(photo.path.size()) + ":" + photo.path;
    text += " " + (photo.label ? std::to_string(*photo.label) : "-");
    for (const Rectangle& box : photo.boxes) {
      for (const double side : {box.x, box.y, box.right(), box.bottom()}) text += " " + shortest(side);
      text += ";";
    }
    if (photo.drawn_in != DrawnIn{})
      text += shortest(photo.drawn_in.width) + "x" + shortest(photo.drawn_in.height);
    text += "\n";
  }
  return base::sha256(text);
}

}  // namespace ablaze::evaluate
