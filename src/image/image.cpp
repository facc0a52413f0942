#include <string>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "base/files.hpp"
#include "image/header.hpp"
#include "image/stb.hpp"

namespace ablaze {

void image::check_dimensions(std::int64_t width, std::int64_t height, const std::string& name) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height) + " pixels";
  if (width < 1 || height < 1)
    throw Error(name + ": expected an image of at least 1x1 pixels, found " + size);
  if (width > Image::max_side || height > Image::max_side || width * height > Image::max_pixels) {
    throw Error(name + ": an image of " + size + " is too large; at most " + std::to_string(Image::max_side) +
                " per side and 64 megapixels are supported: scale it down");
  }
}

Image::Image(int width, int height) : width_(width), height_(height) {
  image::check_dimensions(width, height, "image");
  pixels_.resize(std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
}

Image::Image(int width, int height, std::span<const std::uint8_t> rgb) : width_(width), height_(height) {
  image::check_dimensions(width, height, "image");
  const std::size_t expected =
      std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  if (rgb.size() != expected) {
    throw Error("image: " + std::to_string(width) + "x" + std::to_string(height) + " RGB pixels are " +
                std::to_string(expected) + " bytes; the buffer has " + std::to_string(rgb.size()));
  }
  pixels_.assign(rgb.begin(), rgb.end());
}

const std::uint8_t* Image::at(int x, int y) const {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) {
    throw Error("image: no pixel " + std::to_string(x) + ", " + std::to_string(y) + " in an image of " +
                std::to_string(width_) + "x" + std::to_string(height_));
  }
  return pixels_.data() + std::size_t{3} * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                                            static_cast<std::size_t>(x));
}

std::uint8_t* Image::at(int x, int y) { return const_cast<std::uint8_t*>(std::as_const(*this).at(x, y)); }

void Image::save_png(const std::string& file) const {
  if (empty()) throw Error(file + ": the image to write is empty");
  base::write_file(file, image::stb_encode_png(*this));
}

}  // namespace ablaze
