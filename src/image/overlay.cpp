#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "image/colours.hpp"
#include "image/heatmap.hpp"
#include "image/pixel.hpp"

namespace ablaze {
namespace {

constexpr int kTableSize = 1025;  // odd, so that one entry is the centre of a diverging map

/// The opacity of the map's colour for value v: opacity to a power that falls from cold to hot. 0 and 1 are
/// the same for every v; between them cold parts show more of the photo, and even more for a diverging map,
/// whose cold centre is light.
float coverage(const OverlayOptions& options, float v) {
  constexpr float cold = 1.8F, cold_middle = 4.0F, hot = 0.5F;
  if (is_diverging(options.colours))
    return std::pow(options.opacity, cold_middle + (hot - cold_middle) * std::abs(2 * v - 1));
  return std::pow(options.opacity, cold + (hot - cold) * v);
}

/// The changes to the photo itself.
struct Veil {
  float grey = 0;     ///< loss of saturation, so that hues are the map's
  float outside = 1;  ///< remaining brightness outside the crop
};
Veil make_veil(float opacity) { return {opacity, 1.0F - 0.6F * std::sqrt(opacity)}; }

/// A map value's colour, multiplied by its coverage.
struct Tint {
  std::array<float, 3> rgb{};
  float photo = 1;  ///< remaining share of the photo
};

std::vector<Tint> make_tints(const OverlayOptions& options) {
  const auto colours = image::colour_table(options.colours, kTableSize);
  std::vector<Tint> tints(kTableSize);
  for (std::size_t i = 0; i < kTableSize; ++i) {
    const float covered = coverage(options, static_cast<float>(i) / (kTableSize - 1));
    for (std::size_t c = 0; c < 3; ++c) tints[i].rgb[c] = static_cast<float>(colours[i][c]) * covered;
    tints[i].photo = 1.0F - covered;
  }
  return tints;
}

const Tint& tint_of(const std::vector<Tint>& tints, float value) {
  return tints[std::lrint(value * (kTableSize - 1))];
}

/// Blends one pixel in place; `inside`: its fraction inside the crop.
void blend(std::uint8_t* pixel, const Tint& tint, float inside, const Veil& veil) {
  const std::array<float, 3> photo{static_cast<float>(pixel[0]), static_cast<float>(pixel[1]),
                                   static_cast<float>(pixel[2])};
  const float luma = 0.299F * photo[0] + 0.587F * photo[1] + 0.114F * photo[2];
  for (std::size_t c = 0; c < 3; ++c) {
    const float faded = photo[c] + (luma - photo[c]) * veil.grey;
    const float mapped = faded * tint.photo + tint.rgb[c];
    pixel[c] = image::to_byte(mapped * inside + faded * veil.outside * (1.0F - inside));
  }
}

void check(const Image& photo, const Rectangle& where, const OverlayOptions& options) {
  if (photo.empty()) throw Error("overlay: the photo is empty");
  image::check_crop(where, "overlay");
  if (!(options.opacity >= 0 && options.opacity <= 1)) {
    throw Error("overlay: expected an opacity from 0 to 1, found " + std::to_string(options.opacity));
  }
}

}  // namespace

Image overlay(const Image& photo, const Tensor& map, const Rectangle& where, const OverlayOptions& options) {
  check(photo, where, options);
  image::check_map(map, "overlay");
  const image::Axis across = image::make_axis(photo.width(), where.x, where.width, map.dim(1));
  const image::Axis down = image::make_axis(photo.height(), where.y, where.height, map.dim(0));
  const ValueRange range = options.range.value_or(range_of(map, options.colours));
  const image::SmoothMap smooth(scaled_map(map, range, options.colours), across.position);
  const std::vector<Tint> tints = make_tints(options);
  const Veil veil = make_veil(options.opacity);

  Image picture = photo;
  std::vector<float> values(across.position.size());
  for (int y = 0; y < photo.height(); ++y) {
    smooth.sample(down.position[y], values);
    std::uint8_t* pixel = picture.at(0, y);
    for (std::size_t x = 0; x < values.size(); ++x, pixel += 3) {
      blend(pixel, tint_of(tints, values[x]), across.inside[x] * down.inside[y], veil);
    }
  }
  return picture;
}

}  // namespace ablaze
