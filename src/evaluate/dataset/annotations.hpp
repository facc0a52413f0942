#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/dataset/dataset.hpp"

namespace ablaze::evaluate {

/// An object on a photo: the name of its class, and its box.
struct AnnotatedObject {
  std::string name;
  Rectangle box;
};

/// What a data set says about one photo.
struct PhotoObjects {
  std::vector<AnnotatedObject> objects;
  DrawnIn drawn_in;
  std::string source;  ///< the file or entry; two photos cannot share one
};

/// Annotations in one form. They keep nothing of the photos.
class Annotations {
 public:
  virtual ~Annotations() = default;
  /// Nothing where the photo has no annotation. Throws Error naming the file.
  virtual std::optional<PhotoObjects> find(const DatasetPhoto& photo) = 0;
  /// What a photo is matched by, for the error where none has an annotation.
  virtual std::string expected() const = 0;
  /// What was left out, after the last photo.
  virtual std::vector<std::string> remarks() const { return {}; }
};

std::unique_ptr<Annotations> open_voc(const std::filesystem::path& folder_or_file);
/// `names` is the file of the classes' names; empty: found in or above the folder. An empty folder: labels/
/// beside images/ in the photo's path.
std::unique_ptr<Annotations> open_yolo(const std::filesystem::path& folder,
                                       const std::filesystem::path& names);
std::unique_ptr<Annotations> open_coco(const std::filesystem::path& file);
std::unique_ptr<Annotations> open_imagenet_csv(const std::filesystem::path& file);

/// The contents of one file, for the readers above and their tests. Throw Error; `where` names the file.
PhotoObjects read_voc(std::string_view text, const std::string& where);
/// Boxes are fractions of the photo.
PhotoObjects read_yolo(std::string_view text, const std::vector<std::string>& names,
                       const std::string& where);

/// COCO's instances: images, annotations with boxes, categories. Keeps boxes only.
struct CocoFile {
  struct Image {
    std::string file_name;
    PhotoObjects objects;
  };
  std::vector<Image> images;  ///< in the file's order
  std::size_t crowds = 0;     ///< annotations of crowds, left out
  std::size_t without_box = 0, without_image = 0;
};
CocoFile read_coco(std::string_view text, const std::string& where);

/// The file of a photo's annotation in a folder: STEM with the ending, in the subfolder of the photo's own
/// path below its data set, in the one of its parent folder's name, or in the folder itself; empty where none
/// is.
std::filesystem::path file_for(const DatasetPhoto& photo, const std::filesystem::path& folder,
                               const char* ending);

}  // namespace ablaze::evaluate
