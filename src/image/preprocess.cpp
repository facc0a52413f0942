#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "image/header.hpp"
#include "image/pixel.hpp"
#include "image/resample.hpp"

namespace ablaze {
namespace {

void check(const Preprocess& how) {
  image::check_dimensions(how.resize, how.resize, "preprocessing: resize");
  image::check_dimensions(how.width(), how.crop, "preprocessing: crop");
  if (how.channels != 3 && how.channels != 1) {
    throw Error("the network takes inputs of " + std::to_string(how.channels) +
                " channels, which a photo does not have: give a tensor (.npy) of 1x" +
                std::to_string(how.channels) + "x" + std::to_string(how.crop) + "x" +
                std::to_string(how.width()));
  }
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
  // The resized photo's sides if both are squashed.
  const bool square = how.width() == how.crop;
  const double across = square ? how.resize : static_cast<double>(how.resize) * how.width() / how.crop;
  CropGeometry g{square ? how.resize : std::llrint(across), how.resize, 0, 0};
  if (how.fit == Fit::shorter && square) {
    const std::int64_t shorter = std::min(width, height);
    g.width = how.resize * width / shorter;
    g.height = how.resize * height / shorter;
  } else if (how.fit != Fit::squash) {
    // timm computes the ratio first, and rounds as Python does.
    const double ratio_x = static_cast<double>(width) / across,
                 ratio_y = static_cast<double>(height) / how.resize;
    const double ratio = how.fit == Fit::border ? std::max(ratio_x, ratio_y) : std::min(ratio_x, ratio_y);
    g.width = std::max(std::llrint(static_cast<double>(width) / ratio), 1LL);
    g.height = std::max(std::llrint(static_cast<double>(height) / ratio), 1LL);
    image::check_dimensions(g.width, g.height, "preprocessing: the resized photo");
  }
  g.left = crop_offset(g.width, how.width());
  g.top = crop_offset(g.height, how.crop);
  return g;
}

/// The border's colour, a byte, as Python rounds it.
float border_value(float mean) {
  return std::clamp(static_cast<float>(std::llrint(255.0 * static_cast<double>(mean))), 0.0F, 255.0F);
}

/// Pillow's conversion to "L" (ITU-R 601-2 luma).
std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 0x8000U) >> 16);
}

Image grey(const Image& photo) {
  Image out = photo;
  for (std::size_t i = 0; i < out.pixels().size(); i += 3)
    std::fill_n(out.pixels().data() + i, 3, luma(photo.pixels().data() + i));
  return out;
}

/// Converts interleaved bytes to planes of floats, at (x, y) of [channels, height, width].
void scatter(const Image& pixels, std::int64_t x, std::int64_t y, std::span<float> planes,
             const Preprocess& how) {
  const std::uint8_t* from = pixels.pixels().data();
  const std::int64_t width = how.width(), area = width * how.crop;
  for (std::int64_t row = 0; row < pixels.height(); ++row) {
    float* const red = planes.data() + (y + row) * width + x;
    for (std::int64_t i = 0; i < pixels.width(); ++i, from += 3) {
      for (std::int64_t c = 0; c < how.channels; ++c) red[c * area + i] = from[c];
    }
  }
}

/// A picture of an input that is no photo: the mean of its channels, from the least (black) to the greatest.
Image mean_picture(const Tensor& input, std::int64_t channels, Image picture) {
  const std::size_t area = picture.pixels().size() / 3;
  std::vector<float> mean(area, 0.0F);
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < area; ++i)
      mean[i] += input.data()[static_cast<std::size_t>(c) * area + i] / static_cast<float>(channels);
  }
  if (area == 0) return picture;
  const auto [low, high] = std::ranges::minmax(mean);
  const float range = high > low ? high - low : 1.0F;
  for (std::size_t i = 0; i < area; ++i)
    std::fill_n(picture.pixels().data() + 3 * i, 3, image::to_byte((mean[i] - low) / range * 255.0F));
  return picture;
}

}  // namespace

Tensor preprocess(const Image& image, const Preprocess& how) {
  check(how);
  Tensor input({1, how.channels, how.crop, how.width()});
  preprocess(image, how, input.values());
  return input;
}

void preprocess(const Image& image, const Preprocess& how, std::span<float> to) {
  check(how);
  const auto area = static_cast<std::size_t>(how.crop) * static_cast<std::size_t>(how.width());
  const auto channels = static_cast<std::size_t>(how.channels);
  if (to.size() != channels * area) {
    throw Error("preprocessing: the input takes " + std::to_string(channels * area) +
                " numbers; the buffer has room for " + std::to_string(to.size()));
  }
  if (image.empty()) throw Error("preprocessing: the image is empty");
  const CropGeometry g = crop_geometry(image.width(), image.height(), how);
  const std::int64_t left = std::max<std::int64_t>(g.left, 0), top = std::max<std::int64_t>(g.top, 0);
  const image::Window seen{left, top, std::min<std::int64_t>(g.width, how.width()),
                           std::min<std::int64_t>(g.height, how.crop)};
  for (std::size_t c = 0; c < channels; ++c)
    std::ranges::fill(to.subspan(c * area, area), how.fit == Fit::border ? border_value(how.mean[c]) : 0.0F);
  const Image resized = channels == 1
                            ? image::resample(grey(image), g.width, g.height, seen, how.interpolation)
                            : image::resample(image, g.width, g.height, seen, how.interpolation);
  scatter(resized, left - g.left, top - g.top, to, how);
  for (std::size_t c = 0; c < channels; ++c) {
    for (float& v : to.subspan(c * area, area)) v = (v / 255.0F - how.mean[c]) / how.std[c];
  }
}

Rectangle crop_rectangle(int width, int height, const Preprocess& how) {
  check(how);
  image::check_dimensions(width, height, "crop box");
  const CropGeometry g = crop_geometry(width, height, how);
  const double across = static_cast<double>(width) / static_cast<double>(g.width);
  const double down = static_cast<double>(height) / static_cast<double>(g.height);
  return {static_cast<double>(g.left) * across, static_cast<double>(g.top) * down, how.width() * across,
          how.crop * down};
}

Image denormalise(const Tensor& input, const Preprocess& how) {
  const Shape& shape = input.shape();
  const bool batch_of_one = shape.size() == 4 && shape[0] == 1;
  if (!batch_of_one && shape.size() != 3)
    throw Error("expected an image of 1xCxHxW or CxHxW, found a tensor of " + to_string(shape));
  const std::int64_t channels = shape[shape.size() - 3];
  const std::int64_t height = shape[shape.size() - 2], width = shape.back();
  image::check_dimensions(width, height, "network input");
  Image picture(static_cast<int>(width), static_cast<int>(height));
  if (channels != 3 && channels != 1) return mean_picture(input, channels, std::move(picture));
  for (std::size_t c = 0; c < 3; ++c) {
    const std::size_t own = channels == 1 ? 0 : c;
    const float* from = input.data() + static_cast<std::int64_t>(own) * width * height;
    for (std::size_t i = c; i < picture.pixels().size(); i += 3, ++from) {
      picture.pixels()[i] = image::to_byte((*from * how.std[own] + how.mean[own]) * 255.0F);
    }
  }
  return picture;
}

}  // namespace ablaze
