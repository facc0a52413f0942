#pragma once

#include <ablaze/image.hpp>

namespace ablaze::image {

/// The picture as it is meant to be looked at, from the picture as stored and EXIF's orientation (1 to 8).
Image oriented(Image stored, int orientation);

}  // namespace ablaze::image
