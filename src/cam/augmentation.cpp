#include "cam/augmentation.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "cam/bilinear.hpp"

namespace ablaze::cam {

namespace {

constexpr std::array kScales{1.0, 0.85, 1.15};
constexpr std::int64_t kSizeStep = 16;

std::int64_t scaled(std::int64_t side, double scale) {
  if (scale == 1) return side;
  const double wanted = static_cast<double>(side) * scale;
  const std::int64_t unit = side >= kSizeStep ? kSizeStep : 1;
  return std::max<std::int64_t>(std::llround(wanted / static_cast<double>(unit)), 1) * unit;
}

double mix(double a, double b, double part) { return a + (b - a) * part; }

/// Resizes one plane [height, width] to down.size() x across.size().
void resize_plane(const float* from, std::int64_t width, const std::vector<Between>& across,
                  const std::vector<Between>& down, float* to) {
  for (const Between& y : down) {
    const float* const upper = from + y.first * width;
    const float* const lower = from + y.second * width;
    for (const Between& x : across) {
      const double above = mix(upper[x.first], upper[x.second], x.part);
      const double below = mix(lower[x.first], lower[x.second], x.part);
      *to++ = static_cast<float>(mix(above, below, y.part));
    }
  }
}

Tensor resized(const Tensor& input, std::int64_t height, std::int64_t width) {
  if (input.dim(2) == height && input.dim(3) == width) return input;
  const auto across = bilinear_places(input.dim(3), width), down = bilinear_places(input.dim(2), height);
  Tensor out({1, input.dim(1), height, width});
  for (std::int64_t c = 0; c < input.dim(1); ++c) {
    resize_plane(input.data() + c * input.dim(2) * input.dim(3), input.dim(3), across, down,
                 out.data() + c * height * width);
  }
  return out;
}

/// Reverses the last axis of a tensor.
void mirror(Tensor& tensor) {
  const std::int64_t width = tensor.shape().back();
  for (std::int64_t row = 0; row < tensor.size(); row += width)
    std::reverse(tensor.data() + row, tensor.data() + row + width);
}

}  // namespace

std::vector<View> views_of(const Shape& input) {
  if (input.size() != 4 || input[0] != 1 || element_count(input) == 0)
    throw Error("expected an input of 1xCxHxW to augment, found " + to_string(input));
  std::vector<View> views;
  for (const double scale : kScales) {
    const Shape shape{1, input[1], scaled(input[2], scale), scaled(input[3], scale)};
    if (std::any_of(views.begin(), views.end(), [&](const View& v) { return v.input == shape; })) continue;
    views.push_back({shape, false});
    views.push_back({shape, true});
  }
  return views;
}

Tensor seen_through(const View& view, const Tensor& input) {
  Tensor out = resized(input, view.input.at(2), view.input.at(3));
  if (view.mirrored) mirror(out);
  return out;
}

Tensor turned_back(const View& view, const Tensor& map, int width, int height) {
  Tensor out = map;
  if (view.mirrored) mirror(out);
  const bool fits = out.dim(0) == height && out.dim(1) == width;
  return fits ? out : upsample_map(out, width, height);
}

}  // namespace ablaze::cam
