#include <algorithm>
#include <array>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/folders.hpp"
#include "base/text.hpp"
#include "evaluate/dataset/annotations.hpp"
#include "evaluate/dataset/box_words.hpp"
#include "formats/text_file.hpp"
#include "formats/xml.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestXml = std::uint64_t{1} << 20;

/// VOC counts pixels from 1, and its last pixel belongs to the box.
Rectangle voc_box(const formats::XmlElement& object, const std::string& where) {
  const formats::XmlElement* const edges = object.child("bndbox");
  if (edges == nullptr)
    throw Error(where + ": expected a <bndbox> in each object, found an object without one");
  const std::array<std::string_view, 4> words{edges->text_of("xmin"), edges->text_of("ymin"),
                                              edges->text_of("xmax"), edges->text_of("ymax")};
  const BoxSides sides = parse_box(words, where);
  return {sides.left - 1, sides.top - 1, sides.right - sides.left + 1, sides.bottom - sides.top + 1};
}

/// The size of the picture that the boxes are in; none where the file does not say it.
DrawnIn voc_size(const formats::XmlElement& root, const std::string& where) {
  const formats::XmlElement* const size = root.child("size");
  if (size == nullptr) return {};
  const std::string_view width = size->text_of("width"), height = size->text_of("height");
  if (width.empty() && height.empty()) return {};
  const DrawnIn found{parse_number(width, where), parse_number(height, where)};
  return found.width > 1 && found.height > 1 ? found : DrawnIn{};  // some programs write zeros
}

class VocFolder : public Annotations {
 public:
  explicit VocFolder(fs::path place) : place_(std::move(place)) {}

  std::optional<PhotoObjects> find(const DatasetPhoto& photo) override {
    const fs::path file = base::is_folder(place_) ? file_for(photo, place_, ".xml") : place_;
    if (file.empty()) return std::nullopt;
    const std::string name = base::printable(file.string(), 400);
    PhotoObjects objects = read_voc(formats::read_text_file(file, kLargestXml), name);
    objects.source = file.string();
    return objects;
  }
  std::string expected() const override { return "XML files with the photos' names (STEM.xml for STEM.jpg)"; }

 private:
  fs::path place_;
};

}  // namespace

PhotoObjects read_voc(std::string_view text, const std::string& where) {
  const formats::XmlElement root = formats::read_xml(text, where);
  if (root.name != "annotation") {
    throw Error(where + ": expected PASCAL VOC's <annotation>, found <" + base::printable(root.name) + ">");
  }
  PhotoObjects objects;
  objects.drawn_in = voc_size(root, where);
  for (const formats::XmlElement& object : root.children) {
    if (object.name == "object")
      objects.objects.push_back({std::string(object.text_of("name")), voc_box(object, where)});
  }
  return objects;
}

std::unique_ptr<Annotations> open_voc(const fs::path& folder_or_file) {
  return std::make_unique<VocFolder>(folder_or_file);
}

}  // namespace ablaze::evaluate
