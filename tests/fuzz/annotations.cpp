// The annotations of data sets and files of labels: the first byte selects which of them the rest is.

#include "evaluate/dataset/annotations.hpp"

#include <cstdlib>

#include "input.hpp"
#include "models/class_names.hpp"

namespace {

/// A box that a reader accepts is finite and not turned inside out.
void require_sound(const ablaze::evaluate::PhotoObjects& objects) {
  for (const auto& object : objects.objects) {
    const ablaze::Rectangle& box = object.box;
    if (!(box.width >= 0 && box.height >= 0 && box.right() < 1e9 && box.bottom() < 1e9)) std::abort();
  }
  for (const auto& object : objects.objects) {
    try {
      (void)ablaze::evaluate::boxes_on({"a", "a", 0, {object.box}, objects.drawn_in}, 640, 480);
    } catch (const ablaze::Error&) {  // a picture of another shape
    }
  }
}

void read_labels(std::span<const std::byte> bytes) {
  const ablaze::models::ClassNames names = ablaze::models::parse_class_names(bytes, "file");
  if (names.labels.empty() || (!names.synsets.empty() && names.synsets.size() != names.labels.size()))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  return ablaze::fuzz::survive(data, size, [](std::span<const std::byte> bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 1, bytes.size() - 1);
    switch (std::to_integer<unsigned>(bytes[0]) % 4) {
      case 0:
        for (const auto& image : ablaze::evaluate::read_coco(text, "file").images)
          require_sound(image.objects);
        break;
      case 1:
        require_sound(ablaze::evaluate::read_yolo(text, {"a", "b", "c"}, "file"));
        break;
      case 2:
        require_sound(ablaze::evaluate::read_voc(text, "file"));
        break;
      default:
        read_labels(bytes.subspan(1));
    }
  });
}
