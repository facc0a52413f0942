#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace ablaze::image {

/// The orientation, 1 to 8, in an EXIF block (a small TIFF file, in JPEG's APP1 after "Exif\0\0" and in PNG's
/// eXIf), as Pillow reads it: of any type of number, the last entry counts, and entries end where one points
/// outside the block. 1 where the entry's value is no orientation; nothing where there is no entry, or where
/// the block is no TIFF file: the photo is still usable.
std::optional<int> exif_orientation(std::span<const std::byte> tiff);

/// The same of a block that may begin with "Exif\0\0".
std::optional<int> prefixed_exif_orientation(std::span<const std::byte> block);

}  // namespace ablaze::image
