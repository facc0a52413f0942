#include "image/resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <ablaze/error.hpp>

#include "base/enum_names.hpp"
#include "image/header.hpp"

namespace ablaze {

namespace {
constexpr base::EnumNames<Interpolation, 2> kInterpolationNames{"interpolation", {"bilinear", "bicubic"}};
}
std::string to_string(Interpolation interpolation) { return kInterpolationNames.name_of(interpolation); }
Interpolation parse_interpolation(std::string_view name) { return kInterpolationNames.parse(name); }

namespace {
constexpr base::EnumNames<Fit, 3> kFitNames{"fit", {"shorter", "squash", "border"}};
}
std::string to_string(Fit fit) { return kFitNames.name_of(fit); }
Fit parse_fit(std::string_view name) { return kFitNames.parse(name); }

}  // namespace ablaze

namespace ablaze::image {
namespace {

/// Pillow's fixed point: 32 bits minus the pixel's 8 and 2 for a filter that overshoots.
constexpr int kPrecisionBits = 32 - 8 - 2;
constexpr std::int32_t kHalf = 1 << (kPrecisionBits - 1);

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

double support_of(Interpolation interpolation) {
  return interpolation == Interpolation::bilinear ? 1.0 : 2.0;
}

double weight_of(Interpolation interpolation, double x) {
  x = std::fabs(x);
  if (interpolation == Interpolation::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;  // Keys' cubic
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// One axis: the source pixels of each output pixel, and their fixed-point weights.
struct Taps {
  struct Run {
    int first = 0, count = 0;
  };
  std::vector<Run> runs;              ///< one per output pixel
  std::vector<std::int32_t> weights;  ///< stride per run
  std::size_t stride = 0;

  const std::int32_t* weights_of(std::size_t i) const { return weights.data() + i * stride; }
};

/// Taps of the output pixels [begin, begin + count) for a resize from `in` to `out` pixels.
Taps make_taps(int in, std::int64_t out, std::int64_t begin, std::int64_t count,
               Interpolation interpolation) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double support = support_of(interpolation) * filter_scale;
  const double per_pixel = 1.0 / filter_scale;

  Taps taps;
  taps.stride = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
  taps.runs.resize(count);
  taps.weights.resize(taps.runs.size() * taps.stride);
  std::vector<double> exact(taps.stride);
  for (std::size_t i = 0; i < taps.runs.size(); ++i) {
    const double centre = (static_cast<double>(begin + static_cast<std::int64_t>(i)) + 0.5) * scale;
    // NOLINTBEGIN(bugprone-incorrect-roundings): as Pillow rounds
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int end = std::min(static_cast<int>(centre + support + 0.5), in);
    // NOLINTEND(bugprone-incorrect-roundings)
    taps.runs[i] = {first, end - first};
    double total = 0;
    for (int k = 0; k < end - first; ++k) {
      exact[k] = weight_of(interpolation, (k + first - centre + 0.5) * per_pixel);
      total += exact[k];
    }
    for (int k = 0; k < end - first; ++k) {
      const double share = total != 0 ? exact[k] / total : exact[k];
      taps.weights[i * taps.stride + k] =
          static_cast<std::int32_t>((share < 0 ? -0.5 : 0.5) + share * (1 << kPrecisionBits));
    }
  }
  return taps;
}

/// Rows of RGB pixels between the two passes.
struct Rows {
  std::int64_t width = 0;
  int first = 0;  ///< the photo's row at row 0
  std::vector<std::uint8_t> pixels;

  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(3 * width * (y - first)); }
};

/// Horizontal pass over the photo's rows [first, end).
Rows narrow(const Image& photo, const Taps& taps, int first, int end) {
  Rows rows{static_cast<std::int64_t>(taps.runs.size()), first, {}};
  rows.pixels.resize(3 * taps.runs.size() * static_cast<std::size_t>(end - first));
  for (int y = first; y < end; ++y) {
    const std::uint8_t* const source = photo.at(0, y);
    std::uint8_t* to = rows.row(y);
    for (std::size_t x = 0; x < taps.runs.size(); ++x, to += 3) {
      const std::int32_t* const weight = taps.weights_of(x);
      const std::uint8_t* from = source + std::ptrdiff_t{3} * taps.runs[x].first;
      std::int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (int k = 0; k < taps.runs[x].count; ++k, from += 3) {
        red += from[0] * weight[k];
        green += from[1] * weight[k];
        blue += from[2] * weight[k];
      }
      to[0] = to_pixel(red);
      to[1] = to_pixel(green);
      to[2] = to_pixel(blue);
    }
  }
  return rows;
}

/// Vertical pass, row by row, so that the inner loop is contiguous.
Image lower(Rows rows, const Taps& taps) {
  Image out(static_cast<int>(rows.width), static_cast<int>(taps.runs.size()));
  std::vector<std::int32_t> sums(3 * rows.width);
  for (std::size_t y = 0; y < taps.runs.size(); ++y) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int k = 0; k < taps.runs[y].count; ++k) {
      const std::int32_t weight = taps.weights_of(y)[k];
      const std::uint8_t* const from = rows.row(taps.runs[y].first + k);
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += from[i] * weight;
    }
    std::transform(sums.begin(), sums.end(), out.at(0, static_cast<int>(y)), to_pixel);
  }
  return out;
}

}  // namespace

Image resample(const Image& photo, std::int64_t width, std::int64_t height, const Window& window,
               Interpolation interpolation) {
  // An axis of unchanged length needs no special case: its weights are exactly 1 and 0.
  const Taps across = make_taps(photo.width(), width, window.x, window.width, interpolation);
  const Taps down = make_taps(photo.height(), height, window.y, window.height, interpolation);
  const Taps::Run last = down.runs.back();
  return lower(narrow(photo, across, down.runs.front().first, last.first + last.count), down);
}

}  // namespace ablaze::image

namespace ablaze {

Image resize(const Image& image, int width, int height) {
  if (image.empty()) throw Error("resize: the image is empty");
  image::check_dimensions(width, height, "resize");
  return image::resample(image, width, height, {0, 0, width, height}, Interpolation::bilinear);
}

}  // namespace ablaze
