#pragma once

#include <cstddef>
#include <span>

namespace ablaze::image {

/// The orientation, 1 to 8, in an EXIF block (a little TIFF file, as JPEG's APP1 behind "Exif\0\0" and PNG's
/// eXIf hold it). 1 where there is none or the block is damaged: a photo without it is still a photo.
int exif_orientation(std::span<const std::byte> tiff);

}  // namespace ablaze::image
