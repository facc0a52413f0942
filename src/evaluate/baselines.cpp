#include "evaluate/baselines.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <ablaze/error.hpp>

#include "base/text.hpp"

namespace ablaze {
namespace {

const std::vector<std::string> baseline_names{"mean", "black", "blur"};

}  // namespace

Baseline parse_baseline(std::string_view name) {
  const auto found = std::ranges::find(baseline_names, name);
  if (found == baseline_names.end())
    throw UsageError("no baseline \"" + base::printable(name) + "\": expected " +
                     base::join(baseline_names, " or "));
  return static_cast<Baseline>(found - baseline_names.begin());
}

std::string to_string(Baseline baseline) { return baseline_names.at(static_cast<std::size_t>(baseline)); }

namespace evaluate {
namespace {

/// Reflects a position at the window's ends (repeating the end pixels).
int folded(int position, int window) {
  const int period = 2 * window;
  const int within = (position % period + period) % period;
  return within < window ? within : period - 1 - within;
}

std::vector<float> gaussian(int window, double sigma) {
  const int reach = static_cast<int>(std::lround(4 * sigma)), middle = window / 2;
  std::vector<double> weights(window);
  double sum = 0;
  for (int i = -reach; i <= reach; ++i) {
    const double weight = std::exp(-0.5 * i * i / (sigma * sigma));
    weights[folded(middle + i, window)] += weight;
    sum += weight;
  }
  std::vector<float> out;
  out.reserve(weights.size());
  for (const double weight : weights) out.push_back(static_cast<float>(weight / sum));
  return out;
}

/// Replaces each pixel of a plane [height, width] by a weighted sum of its neighbours in the row, or in the
/// column.
void blur_one_way(const float* from, float* to, std::int64_t height, std::int64_t width, bool along,
                  const std::vector<float>& weights) {
  const auto middle = static_cast<std::int64_t>(weights.size() / 2);
  for (std::int64_t y = 0; y < height; ++y) {
    float* const row = to + y * width;
    std::fill_n(row, width, 0.0F);
    for (std::int64_t k = 0; k < static_cast<std::int64_t>(weights.size()); ++k) {
      const std::int64_t shift = k - middle;
      const float weight = weights[k];
      if (along) {
        const std::int64_t begin = std::max<std::int64_t>(0, -shift), end = std::min(width, width - shift);
        for (std::int64_t x = begin; x < end; ++x) row[x] += weight * from[y * width + x + shift];
      } else if (y + shift >= 0 && y + shift < height) {
        for (std::int64_t x = 0; x < width; ++x) row[x] += weight * from[(y + shift) * width + x];
      }
    }
  }
}

Tensor black(const Tensor& input, const Preprocess& how) {
  Tensor out(input.shape());
  const std::int64_t area = input.dim(2) * input.dim(3);
  for (std::size_t c = 0; c < static_cast<std::size_t>(input.dim(1)); ++c)
    std::fill_n(out.data() + static_cast<std::int64_t>(c) * area, area, -how.mean[c] / how.std[c]);
  return out;
}

}  // namespace

Tensor blurred(const Tensor& input, int window, double sigma) {
  const std::vector<float> weights = gaussian(window, sigma);
  const std::int64_t height = input.dim(2), width = input.dim(3), area = height * width;
  Tensor out(input.shape());
  std::vector<float> between(area);
  for (std::int64_t plane = 0; plane < input.dim(1); ++plane) {
    blur_one_way(input.data() + plane * area, between.data(), height, width, true, weights);
    blur_one_way(between.data(), out.data() + plane * area, height, width, false, weights);
  }
  return out;
}

Tensor baseline_image(Baseline baseline, const Tensor& input, const Preprocess& how,
                      const EvaluateOptions& options) {
  switch (baseline) {
    case Baseline::mean:
      return Tensor(input.shape());
    case Baseline::black:
      return black(input, how);
    case Baseline::blur:
      return blurred(input, options.blur_window, options.blur_sigma);
  }
  throw UsageError("unknown baseline: expected blur, mean or black");
}

}  // namespace evaluate
}  // namespace ablaze
