#include "image/heatmap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <xtensor/xmath.hpp>
#include <xtensor/xoperation.hpp>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>
#include <ablaze/xtensor.hpp>

#include "image/header.hpp"

namespace ablaze::image {
namespace {

/// Four neighbours on one axis and their weights.
struct Neighbours {
  std::array<std::int64_t, 4> index{};
  std::array<float, 4> weight{};
};

/// Keys' cubic with a = -1/2; positions outside are clamped to the edge.
Neighbours neighbours(double position, std::int64_t length) {
  position = std::clamp(position, 0.0, static_cast<double>(length - 1));
  const auto before = static_cast<std::int64_t>(position);
  const double t = position - static_cast<double>(before);
  const std::array<double, 4> weight{((-0.5 * t + 1.0) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1.0,
                                     ((-1.5 * t + 2.0) * t + 0.5) * t, (0.5 * t - 0.5) * t * t};
  Neighbours n;
  for (std::int64_t k = 0; k < 4; ++k) {
    n.index[k] = std::clamp<std::int64_t>(before - 1 + k, 0, length - 1);
    n.weight[k] = static_cast<float>(weight[k]);
  }
  return n;
}

}  // namespace

void check_map(const Tensor& map, const char* purpose) {
  if (map.rank() == 2 && map.size() > 0) return;
  throw Error(std::string(purpose) + ": expected a map of [height, width], found a tensor of " +
              to_string(map.shape()));
}

Axis make_axis(int pixels, double begin, double length, std::int64_t map_pixels) {
  Axis axis;
  axis.position.resize(pixels);
  axis.inside.resize(pixels);
  for (int i = 0; i < pixels; ++i) {
    const double overlap = std::min(i + 1.0, begin + length) - std::max<double>(i, begin);
    axis.position[i] = (i + 0.5 - begin) / length * static_cast<double>(map_pixels) - 0.5;
    axis.inside[i] = static_cast<float>(std::clamp(overlap, 0.0, 1.0));
  }
  return axis;
}

void check_crop(const Rectangle& where, const char* purpose) {
  const bool box = std::isfinite(where.x) && std::isfinite(where.y) && std::isfinite(where.width) &&
                   std::isfinite(where.height) && where.width > 0 && where.height > 0;
  if (!box) throw Error(std::string(purpose) + ": the crop box is empty or not finite");
}

SmoothMap::SmoothMap(const Tensor& map, std::span<const double> columns)
    : height_(map.dim(0)), width_(static_cast<std::int64_t>(columns.size())) {
  const auto [least, largest] = std::minmax_element(map.values().begin(), map.values().end());
  least_ = *least;
  largest_ = *largest;
  wide_.resize(height_ * width_);
  for (std::int64_t x = 0; x < width_; ++x) {
    const Neighbours n = neighbours(columns[x], map.dim(1));
    for (std::int64_t y = 0; y < height_; ++y) {
      const float* const row = map.data() + y * map.dim(1);
      float sum = 0;
      for (std::size_t k = 0; k < 4; ++k) sum += row[n.index[k]] * n.weight[k];
      wide_[y * width_ + x] = sum;
    }
  }
}

void SmoothMap::sample(double row, std::span<float> out) const {
  const Neighbours n = neighbours(row, height_);
  std::array<const float*, 4> rows{};
  for (std::size_t k = 0; k < 4; ++k) rows[k] = wide_.data() + n.index[k] * width_;
  for (std::int64_t x = 0; x < width_; ++x) {
    const float sum = rows[0][x] * n.weight[0] + rows[1][x] * n.weight[1] + rows[2][x] * n.weight[2] +
                      rows[3][x] * n.weight[3];
    out[x] = std::min(std::max(sum, least_), largest_);
  }
}

}  // namespace ablaze::image

namespace ablaze {

ValueRange range_of(const Tensor& map, ColourMap colours) {
  if (map.size() == 0) return {};
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto values = as_xtensor(map);
  const auto finite = xt::isfinite(values);
  const double least = xt::amin(xt::where(finite, values, infinity))();
  const double largest = xt::amax(xt::where(finite, values, -infinity))();
  if (least > largest) return {};  // no value is finite
  if (!is_diverging(colours)) return {least, largest};
  const double farthest = std::max(std::abs(least), std::abs(largest));
  return {-farthest, farthest};
}

Tensor scaled_map(const Tensor& map, const ValueRange& range, ColourMap colours) {
  Tensor scaled(map.shape());
  // A constant map gets the lowest colour, or the middle one if the map is diverging.
  const bool flat = !(range.high > range.low);
  const float nothing = is_diverging(colours) ? 0.5F : 0.0F;
  const double length = range.high - range.low;  // in double: it may exceed the largest float
  std::transform(map.values().begin(), map.values().end(), scaled.data(), [&](float v) {
    if (std::isnan(v)) return nothing;
    if (std::isinf(v)) return v > 0 ? 1.0F : 0.0F;
    if (flat) return nothing;
    return static_cast<float>(std::clamp((v - range.low) / length, 0.0, 1.0));
  });
  return scaled;
}

Tensor normalise_map(const Tensor& map) {
  return scaled_map(map, range_of(map, ColourMap::grey), ColourMap::grey);
}

Tensor upsample_map(const Tensor& map, int width, int height) {
  image::check_map(map, "upsampling");
  image::check_dimensions(width, height, "upsampling: map");
  // Half-pixel centres: output pixel i is at (i + 1/2) / length of the map's side.
  std::vector<double> columns(width);
  for (std::size_t x = 0; x < columns.size(); ++x) {
    columns[x] = (static_cast<double>(x) + 0.5) * static_cast<double>(map.dim(1)) / width - 0.5;
  }
  const image::SmoothMap smooth(map, columns);
  Tensor upsampled({height, width});
  for (std::int64_t y = 0; y < height; ++y) {
    smooth.sample((static_cast<double>(y) + 0.5) * static_cast<double>(map.dim(0)) / height - 0.5,
                  upsampled.values().subspan(y * width, width));
  }
  return upsampled;
}

}  // namespace ablaze
