#pragma once

#include <ablaze/image.hpp>

namespace ablaze::image {

/// The upright image, from the stored image and its EXIF orientation (1 to 8).
Image oriented(Image stored, int orientation);

}  // namespace ablaze::image
