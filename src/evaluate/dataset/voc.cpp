#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string_view>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/folders.hpp"
#include "base/text.hpp"
#include "evaluate/dataset/box_words.hpp"
#include "evaluate/dataset/dataset.hpp"
#include "evaluate/dataset/label_index.hpp"
#include "formats/xml.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestAnnotation = std::uint64_t{1} << 20;

using BoxesByClass = std::map<std::int64_t, std::vector<PixelRectangle>>;

/// VOC counts pixels from 1, and its last pixel belongs to the box.
PixelRectangle object_box(const formats::XmlElement& object, const std::string& where) {
  const formats::XmlElement* const edges = object.child("bndbox");
  if (edges == nullptr)
    throw Error(where + ": expected a <bndbox> in each object, found an object without one");
  const std::array<std::string_view, 4> words{edges->text_of("xmin"), edges->text_of("ymin"),
                                              edges->text_of("xmax"), edges->text_of("ymax")};
  PixelRectangle box = parse_box(words, where);
  --box.x, ++box.width;
  --box.y, ++box.height;
  return box;
}

BoxesByClass read_objects(const fs::path& file, const LabelIndex& classes) {
  const auto bytes = base::read_file(file, kLargestAnnotation);
  const std::string name = base::printable(file.string(), 400);
  const formats::XmlElement root =
      formats::read_xml({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
  if (root.name != "annotation") {
    throw Error(name + ": expected PASCAL VOC's <annotation>, found <" + base::printable(root.name) + ">");
  }
  BoxesByClass boxes;
  for (const formats::XmlElement& object : root.children) {
    if (object.name != "object") continue;
    const auto label = classes.find(object.text_of("name"));
    if (label) boxes[*label].push_back(object_box(object, name));
  }
  return boxes;
}

/// Adds a labelled photo with its label's boxes; another photo once per class in its file.
void add_photo(DatasetPhoto photo, const BoxesByClass& objects, std::vector<DatasetPhoto>& photos) {
  if (photo.label || objects.empty()) {
    const auto own = photo.label ? objects.find(*photo.label) : objects.end();
    if (own != objects.end()) photo.boxes = own->second;
    photos.push_back(std::move(photo));
    return;
  }
  for (const auto& [label, boxes] : objects) photos.push_back({photo.path, photo.file, label, boxes});
}

}  // namespace

void add_voc_boxes(Dataset& dataset, const fs::path& folder, const Model& model) {
  if (!base::is_folder(folder)) {
    throw Error(base::printable(folder.string(), 400) +
                ": expected a folder of PASCAL VOC XML files, one per photo (STEM.xml)");
  }
  const LabelIndex classes(model);
  std::vector<DatasetPhoto> photos;
  std::size_t annotated = 0;
  for (DatasetPhoto& photo : dataset.photos) {
    const fs::path file = folder / photo.file.stem().concat(".xml");
    const bool exists = base::exists(file);
    annotated += exists ? 1 : 0;
    add_photo(std::move(photo), exists ? read_objects(file, classes) : BoxesByClass(), photos);
  }
  if (annotated == 0) {
    throw Error(base::printable(folder.string(), 400) +
                ": expected XML files with the photos' names (STEM.xml for STEM.jpg), found none");
  }
  dataset.photos = std::move(photos);
}

}  // namespace ablaze::evaluate
