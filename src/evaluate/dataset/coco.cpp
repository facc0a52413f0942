#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "evaluate/dataset/annotations.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

using json = base::SortedJson;

constexpr std::uint64_t kLargestCoco = std::uint64_t{512} << 20;

/// Parses the file without what no box needs: the outlines are most of it.
json parse_instances(std::string_view text, const std::string& where) {
  static const std::set<std::string> kept{"images",      "annotations", "categories", "id",
                                          "file_name",   "width",       "height",     "image_id",
                                          "category_id", "bbox",        "iscrowd",    "name"};
  constexpr int deepest = 16;
  bool deep = false;
  const auto filter = [&](int depth, json::parse_event_t event, json& value) {
    deep |= depth > deepest;
    if (depth > deepest) return false;
    return event != json::parse_event_t::key || kept.contains(value.get_ref<const std::string&>());
  };
  json value = json::parse(text, filter, /*allow_exceptions=*/false);
  if (deep || value.is_discarded() || !value.is_object()) {
    throw Error(where + ": expected a JSON object with images, annotations and categories");
  }
  for (const char* const part : {"images", "annotations", "categories"}) {
    const auto found = value.find(part);
    if (found == value.end() || !found->is_array())
      throw Error(
          where +
          ": expected COCO's instances, an object with images, annotations and categories; found no list \"" +
          part + "\"");
  }
  return value;
}

/// The entries of one list, with its errors.
class Entries {
 public:
  Entries(const json& list, const char* name, const std::string& where)
      : list_(list), name_(name), where_(where) {}

  template <class Visit>
  void each(const Visit& visit) {
    for (at_ = 0; at_ < list_.size(); ++at_) {
      if (!list_[at_].is_object()) fail("expected an object");
      visit(list_[at_]);
    }
  }

  std::int64_t id(const json& entry, const char* member) const {
    const auto found = entry.find(member);
    if (found != entry.end() && found->is_number_integer()) return found->get<std::int64_t>();
    // Some programs write ids as text.
    if (found != entry.end() && found->is_string()) {
      const auto& text = found->get_ref<const std::string&>();
      const bool digits =
          !text.empty() && text.size() < 18 && text.find_first_not_of("0123456789") == std::string::npos;
      if (digits) return std::stoll(text);
    }
    fail(std::string("expected a whole number as \"") + member + "\"");
  }
  const std::string& text(const json& entry, const char* member) const {
    const auto found = entry.find(member);
    if (found == entry.end() || !found->is_string()) fail(std::string("expected text as \"") + member + "\"");
    return found->get_ref<const std::string&>();
  }
  double size(const json& entry, const char* member) const {
    const auto found = entry.find(member);
    if (found == entry.end() || found->is_null()) return 0;
    const double value = found->is_number() ? found->get<double>() : -1;
    if (!(value >= 0 && value <= 1e6)) fail(std::string("expected a number of pixels as \"") + member + "\"");
    return value;
  }
  /// Nothing where the entry has no box.
  std::optional<Rectangle> box(const json& entry) const {
    const auto found = entry.find("bbox");
    if (found == entry.end() || found->is_null() || (found->is_array() && found->empty()))
      return std::nullopt;
    const bool four =
        found->is_array() && found->size() == 4 && std::ranges::all_of(*found, [](const json& side) {
          return side.is_number() && std::abs(side.get<double>()) <= 2.0 * Image::max_side;
        });
    if (!four) fail("expected four numbers of pixels as \"bbox\", [x, y, width, height]");
    const Rectangle box{(*found)[0].get<double>(), (*found)[1].get<double>(), (*found)[2].get<double>(),
                        (*found)[3].get<double>()};
    if (box.width < 0 || box.height < 0) fail("expected a width and a height of 0 or more in \"bbox\"");
    return box;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(where_ + ": " + name_ + "[" + std::to_string(at_) + "]: " + what);
  }

 private:
  const json& list_;
  const char* name_;
  const std::string& where_;
  std::size_t at_ = 0;
};

bool is_crowd(const json& annotation) {
  const auto found = annotation.find("iscrowd");
  if (found == annotation.end()) return false;
  return found->is_boolean() ? found->get<bool>() : found->is_number() && found->get<double>() != 0;
}

/// A name with '/' between its parts and without "./".
std::string normal_name(std::string name) {
  std::ranges::replace(name, '\\', '/');
  return fs::path(name).lexically_normal().generic_string();
}

class CocoInstances : public Annotations {
 public:
  explicit CocoInstances(const fs::path& file) : name_(base::printable(file.string(), 400)) {
    const auto bytes = base::read_file(file, kLargestCoco);
    content_ = read_coco({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name_);
    for (std::size_t i = 0; i < content_.images.size(); ++i) {
      const std::string path = normal_name(content_.images[i].file_name);
      if (!by_path_.emplace(path, i).second)
        throw Error(name_ + ": two images have the file_name " + base::printable(path) +
                    "; give each its own");
      by_name_[fs::path(path).filename().string()].push_back(i);
    }
  }

  /// By the whole file_name where the photo's path ends with it, else by the file's name alone.
  std::optional<PhotoObjects> find(const DatasetPhoto& photo) override {
    const std::string path = normal_name(photo.file.generic_string());
    const auto same_name = by_name_.find(photo.file.filename().string());
    if (same_name == by_name_.end()) return std::nullopt;
    std::optional<std::size_t> found;
    for (const std::size_t i : same_name->second) {
      const std::string name = "/" + normal_name(content_.images[i].file_name);
      if (("/" + path).ends_with(name) && (!found || name.size() > content_.images[*found].file_name.size()))
        found = i;
    }
    if (!found && same_name->second.size() > 1) {
      throw Error(name_ + ": " + std::to_string(same_name->second.size()) + " images are named " +
                  base::printable(same_name->first) +
                  "; keep the photos in the folders that their file_name gives");
    }
    const CocoFile::Image& image = content_.images[found.value_or(same_name->second.front())];
    PhotoObjects objects = image.objects;
    objects.source = name_ + ", " + image.file_name;
    used_.insert(image.file_name);
    return objects;
  }
  std::string expected() const override { return "images with the photos' names as \"file_name\""; }
  std::vector<std::string> remarks() const override {
    std::vector<std::string> out;
    const auto say = [&](std::size_t count, const std::string& what) {
      if (count > 0) out.push_back("left out: " + std::to_string(count) + " " + what);
    };
    say(content_.crowds, "annotations of crowds, which have no box of one object");
    say(content_.without_box, "annotations without a box");
    say(content_.without_image, "annotations of images that the file does not list");
    say(content_.images.size() - used_.size(), "annotated images that are not among the photos");
    return out;
  }

 private:
  std::string name_;
  CocoFile content_;
  std::map<std::string, std::size_t> by_path_;
  std::map<std::string, std::vector<std::size_t>> by_name_;
  std::set<std::string> used_;
};

}  // namespace

CocoFile read_coco(std::string_view text, const std::string& where) {
  const json file = parse_instances(text, where);
  std::map<std::int64_t, std::string> categories;
  Entries categories_list(file["categories"], "categories", where);
  categories_list.each([&](const json& category) {
    const std::int64_t id = categories_list.id(category, "id");
    if (!categories.emplace(id, categories_list.text(category, "name")).second)
      categories_list.fail("the id " + std::to_string(id) + " stands there twice");
  });
  CocoFile out;
  std::map<std::int64_t, std::size_t> images;
  Entries images_list(file["images"], "images", where);
  images_list.each([&](const json& image) {
    const std::int64_t id = images_list.id(image, "id");
    if (!images.emplace(id, out.images.size()).second)
      images_list.fail("the id " + std::to_string(id) + " stands there twice");
    const DrawnIn size{images_list.size(image, "width"), images_list.size(image, "height")};
    CocoFile::Image& added = out.images.emplace_back();
    added.file_name = images_list.text(image, "file_name");
    if (size.width > 1 && size.height > 1) added.objects.drawn_in = size;
  });
  Entries annotations(file["annotations"], "annotations", where);
  annotations.each([&](const json& annotation) {
    const auto image = images.find(annotations.id(annotation, "image_id"));
    const auto category = categories.find(annotations.id(annotation, "category_id"));
    if (category == categories.end()) annotations.fail("its category_id is none of the categories");
    const auto box = annotations.box(annotation);
    if (is_crowd(annotation)) {
      ++out.crowds;
    } else if (!box) {
      ++out.without_box;
    } else if (image == images.end()) {
      ++out.without_image;
    } else {
      out.images[image->second].objects.objects.push_back({category->second, *box});
    }
  });
  return out;
}

std::unique_ptr<Annotations> open_coco(const fs::path& file) { return std::make_unique<CocoInstances>(file); }

}  // namespace ablaze::evaluate
