#include "evaluate/dataset/annotations.hpp"

#include <algorithm>
#include <utility>

#include <ablaze/error.hpp>

#include "base/folders.hpp"
#include "base/text.hpp"
#include "evaluate/dataset/label_index.hpp"
#include "models/class_names.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostNamesTold = 5;

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

/// Names of classes with the number of their objects, the most frequent first.
std::string told(const std::map<std::string, std::size_t>& names) {
  std::vector<std::pair<std::string, std::size_t>> sorted(names.begin(), names.end());
  std::ranges::stable_sort(sorted, std::ranges::greater(), &std::pair<std::string, std::size_t>::second);
  std::vector<std::string> words;
  for (const auto& [name, count] : sorted) {
    if (words.size() == kMostNamesTold) break;
    words.push_back(base::printable(name, 30) + " (" + std::to_string(count) + ")");
  }
  if (sorted.size() > words.size())
    words.push_back(std::to_string(sorted.size() - words.size()) + " other names");
  return base::join(words);
}

/// Joins photos and annotations, and counts what has no partner.
class Joiner {
 public:
  Joiner(Annotations& annotations, const Model& model)
      : annotations_(annotations), model_(model), classes_(model) {}

  void add(DatasetPhoto photo) {
    auto found = annotations_.find(photo);
    if (!found) {
      ++without_annotation_;
      photos_.push_back(std::move(photo));
      return;
    }
    ++annotated_;
    require_own(found->source, photo);
    std::map<std::int64_t, std::vector<Rectangle>> by_class;
    for (AnnotatedObject& object : found->objects) {
      if (const auto label = classes_.find(object.name)) {
        by_class[*label].push_back(object.box);
      } else {
        ++unknown_[object.name];
      }
    }
    photo.drawn_in = found->drawn_in;
    add_once_per_class(std::move(photo), by_class);
  }

  void finish(Dataset& dataset, const std::string& name) {
    if (annotated_ == 0) throw Error(name + ": expected " + annotations_.expected() + "; found none");
    if (boxes_ == 0) refuse(name);
    dataset.photos = std::move(photos_);
    auto& remarks = dataset.remarks;
    if (!unknown_.empty())
      remarks.push_back("left out: objects of classes that the model does not have: " + told(unknown_));
    if (without_annotation_ > 0)
      remarks.push_back(counted(without_annotation_, "photo has", "photos have") +
                        " no annotation, and no boxes");
    if (without_object_ > 0) {
      remarks.push_back(counted(without_object_, "photo has", "photos have") +
                        " an annotation without an object of the photo's class, and no boxes");
    }
    for (std::string& remark : annotations_.remarks()) remarks.push_back(std::move(remark));
  }

 private:
  void require_own(const std::string& source, const DatasetPhoto& photo) {
    const auto [known, added] = owners_.try_emplace(source, photo.file);
    if (added || known->second == photo.file) return;
    throw Error(base::printable(source, 400) + ": fits two photos, " +
                base::printable(known->second.string(), 400) + " and " +
                base::printable(photo.file.string(), 400) +
                "; give photos of different folders different names, or annotate them in subfolders of the "
                "same names");
  }

  /// Adds a labelled photo with its label's boxes; another photo once per class in its annotation.
  void add_once_per_class(DatasetPhoto photo,
                          const std::map<std::int64_t, std::vector<Rectangle>>& by_class) {
    if (photo.label || by_class.empty()) {
      const auto own = photo.label ? by_class.find(*photo.label) : by_class.end();
      if (own != by_class.end()) {
        photo.boxes = own->second;
        boxes_ += photo.boxes.size();
      } else {
        ++without_object_;
      }
      photos_.push_back(std::move(photo));
      return;
    }
    for (const auto& [label, boxes] : by_class) {
      photos_.push_back({photo.path, photo.file, label, boxes, photo.drawn_in});
      boxes_ += boxes.size();
    }
  }

  [[noreturn]] void refuse(const std::string& name) const {
    if (unknown_.empty()) {
      throw Error(name + ": found " + counted(annotated_, "annotation", "annotations") +
                  ", but no object of a photo's class in them; check the photos' labels");
    }
    const bool synsets =
        std::ranges::all_of(unknown_, [](const auto& item) { return models::is_synset(item.first); });
    throw Error(name + ": no object is of a class of the model; found " + told(unknown_) +
                base::did_you_mean(unknown_.begin()->first, model_.labels) + ". " +
                (synsets ? std::string(kSynsetHelp) : "'ablaze inspect --json' lists the model's labels"));
  }

  Annotations& annotations_;
  const Model& model_;
  LabelIndex classes_;
  std::vector<DatasetPhoto> photos_;
  std::map<std::string, fs::path> owners_;
  std::map<std::string, std::size_t> unknown_;
  std::size_t annotated_ = 0, without_annotation_ = 0, without_object_ = 0, boxes_ = 0;
};

bool has_ending(const fs::path& file, std::string_view ending) {
  return base::lower(file.extension().string()) == ending;
}

/// A folder's annotations, by the files in it and in its subfolders.
std::unique_ptr<Annotations> open_folder(const fs::path& folder) {
  const fs::path inner = folder / "Annotations";
  if (base::is_folder(inner)) return open_voc(inner);
  bool texts = false;
  std::vector<fs::path> folders{folder};
  for (std::size_t i = 0; i < folders.size() && i < 100; ++i) {
    for (const fs::path& entry : base::entries_of(folders[i])) {
      if (has_ending(entry, ".xml")) return open_voc(folder);
      texts = texts || has_ending(entry, ".txt");
      if (i == 0 && base::is_folder(entry)) folders.push_back(entry);
    }
  }
  if (texts) return open_yolo(folder, {});
  throw Error(
      base::printable(folder.string(), 400) +
      ": expected PASCAL VOC's XML files or YOLO's text files with the photos' names (STEM.xml, STEM.txt), "
      "found neither");
}

std::unique_ptr<Annotations> open_annotations(const fs::path& path) {
  if (base::is_folder(path)) return open_folder(path);
  if (base::exists(path)) {
    if (has_ending(path, ".json")) return open_coco(path);
    if (has_ending(path, ".csv")) return open_imagenet_csv(path);
    if (has_ending(path, ".yaml") || has_ending(path, ".yml")) return open_yolo({}, path);
    if (has_ending(path, ".xml")) return open_voc(path);
  }
  throw Error(
      base::printable(path.string(), 400) +
      ": expected a folder of PASCAL VOC's XML files or YOLO's text files, or a file: COCO's instances "
      "(.json), ImageNet's LOC_*.csv or YOLO's data.yaml");
}

}  // namespace

fs::path file_for(const DatasetPhoto& photo, const fs::path& folder, const char* ending) {
  const fs::path name = photo.file.stem().concat(ending);
  const fs::path own = fs::path(photo.path).parent_path();
  for (const fs::path& place :
       {folder / own / name, folder / photo.file.parent_path().filename() / name, folder / name})
    if (base::is_regular_file(place)) return place;
  return {};
}

void add_boxes(Dataset& dataset, const fs::path& path, const Model& model) {
  const auto annotations = open_annotations(path);
  Joiner joiner(*annotations, model);
  for (DatasetPhoto& photo : dataset.photos) joiner.add(std::move(photo));
  joiner.finish(dataset, base::printable(path.string(), 400));
}

}  // namespace ablaze::evaluate
