#pragma once

#include <cstddef>
#include <span>

namespace ablaze::image {

/// The orientation, 1 to 8, in an EXIF block (a small TIFF file, in JPEG's APP1 after "Exif\0\0" and in PNG's
/// eXIf). 1 if it has none or is damaged: the photo is still usable.
int exif_orientation(std::span<const std::byte> tiff);

}  // namespace ablaze::image
