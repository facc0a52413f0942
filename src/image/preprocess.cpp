#include <algorithm>
#include <cmath>
#include <string>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "image/header.hpp"
#include "image/pixel.hpp"
#include "image/resample.hpp"

namespace ablaze {
namespace {

void check(const Preprocess& how) {
  image::check_dimensions(how.resize, how.resize, "preprocessing: resize");
  image::check_dimensions(how.crop, how.crop, "preprocessing: crop");
  for (std::size_t c = 0; c < 3; ++c) {
    if (!std::isfinite(how.mean[c]) || !std::isfinite(how.std[c]) || how.std[c] == 0) {
      throw Error("preprocessing: mean " + std::to_string(how.mean[c]) + " and std " +
                  std::to_string(how.std[c]) + "; expected finite numbers, and std not 0");
    }
  }
}

/// The size after resizing, and the crop's position in it (negative if the crop is larger).
struct CropGeometry {
  std::int64_t width = 0, height = 0;
  std::int64_t left = 0, top = 0;
};

/// Half of a difference, rounded as by torchvision: when cropping, half to even (Python's round); when
/// padding, down.
std::int64_t crop_offset(std::int64_t resized, std::int64_t crop) {
  if (crop > resized) return -((crop - resized) / 2);
  const std::int64_t slack = resized - crop, down = slack / 2;
  return slack % 2 != 0 && down % 2 != 0 ? down + 1 : down;
}

CropGeometry crop_geometry(std::int64_t width, std::int64_t height, const Preprocess& how) {
  const std::int64_t shorter = std::min(width, height);
  CropGeometry g;
  g.width = how.resize * width / shorter;
  g.height = how.resize * height / shorter;
  g.left = crop_offset(g.width, how.crop);
  g.top = crop_offset(g.height, how.crop);
  return g;
}

/// Converts interleaved bytes to planes of floats, at (x, y) of [3, crop, crop].
void scatter(const Image& pixels, std::int64_t x, std::int64_t y, std::span<float> planes,
             std::int64_t crop) {
  const std::uint8_t* from = pixels.pixels().data();
  for (std::int64_t row = 0; row < pixels.height(); ++row) {
    float* const red = planes.data() + (y + row) * crop + x;
    for (std::int64_t i = 0; i < pixels.width(); ++i, from += 3) {
      for (std::int64_t c = 0; c < 3; ++c) red[c * crop * crop + i] = from[c];
    }
  }
}

}  // namespace

Tensor preprocess(const Image& image, const Preprocess& how) {
  check(how);
  Tensor input({1, 3, how.crop, how.crop});
  preprocess(image, how, input.values());
  return input;
}

void preprocess(const Image& image, const Preprocess& how, std::span<float> to) {
  check(how);
  const auto area = static_cast<std::size_t>(how.crop) * static_cast<std::size_t>(how.crop);
  if (to.size() != 3 * area) {
    throw Error("preprocessing: the input takes " + std::to_string(3 * area) +
                " numbers; the buffer has room for " + std::to_string(to.size()));
  }
  if (image.empty()) throw Error("preprocessing: the image is empty");
  const CropGeometry g = crop_geometry(image.width(), image.height(), how);
  const std::int64_t left = std::max<std::int64_t>(g.left, 0), top = std::max<std::int64_t>(g.top, 0);
  const image::Window seen{left, top, std::min<std::int64_t>(g.width, how.crop),
                           std::min<std::int64_t>(g.height, how.crop)};
  std::ranges::fill(to, 0.0F);
  scatter(image::resample(image, g.width, g.height, seen, how.interpolation), left - g.left, top - g.top, to,
          how.crop);
  for (std::size_t c = 0; c < 3; ++c) {
    for (float& v : to.subspan(c * area, area)) v = (v / 255.0F - how.mean[c]) / how.std[c];
  }
}

Rectangle crop_rectangle(int width, int height, const Preprocess& how) {
  check(how);
  image::check_dimensions(width, height, "crop box");
  const CropGeometry g = crop_geometry(width, height, how);
  const double across = static_cast<double>(width) / static_cast<double>(g.width);
  const double down = static_cast<double>(height) / static_cast<double>(g.height);
  return {static_cast<double>(g.left) * across, static_cast<double>(g.top) * down, how.crop * across,
          how.crop * down};
}

Image denormalise(const Tensor& input, const Preprocess& how) {
  const Shape& shape = input.shape();
  const bool batch_of_one = shape.size() == 4 && shape[0] == 1;
  if ((!batch_of_one && shape.size() != 3) || shape[shape.size() - 3] != 3) {
    throw Error("expected an image of 1x3xHxW or 3xHxW, found a tensor of " + to_string(shape));
  }
  const std::int64_t height = shape[shape.size() - 2], width = shape.back();
  image::check_dimensions(width, height, "network input");
  Image picture(static_cast<int>(width), static_cast<int>(height));
  for (std::size_t c = 0; c < 3; ++c) {
    const float* from = input.data() + static_cast<std::int64_t>(c) * width * height;
    for (std::size_t i = c; i < picture.pixels().size(); i += 3, ++from) {
      picture.pixels()[i] = image::to_byte((*from * how.std[c] + how.mean[c]) * 255.0F);
    }
  }
  return picture;
}

}  // namespace ablaze
