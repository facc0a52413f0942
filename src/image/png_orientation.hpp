#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace ablaze::image {

/// The orientation of a PNG, gathered from its chunks in their order, as Pillow reads it: EXIF in eXIf, or in
/// text as ImageMagick writes it; without an entry there, XMP's tiff:Orientation. What stands behind the
/// pixels counts only where no EXIF stands before them.
class PngOrientation {
 public:
  /// Of any chunk. Throws std::bad_alloc.
  void visit(std::string_view type, std::span<const std::byte> data);
  int value() const;  ///< 1 to 8

 private:
  void read_text(std::string_view keyword, std::string_view text);
  void read_text_chunk(std::string_view data);
  void read_compressed_chunk(std::string_view data);
  void read_international_chunk(std::string_view data);

  /// One place to find it: whether the place exists in the file, and what it says.
  struct Place {
    bool found = false;
    std::optional<int> orientation;
  };
  Place exif_, profile_;
  std::optional<int> xmp_;
  bool pixels_seen_ = false, complete_ = false;
};

}  // namespace ablaze::image
