#include "cam/maps.hpp"

#include <algorithm>
#include <cmath>

#include <xtensor/xtensor.hpp>

#include <ablaze/error.hpp>
#include <ablaze/xtensor.hpp>

namespace ablaze::cam {

void require_one_weight_a_channel(const Tensor& activation, std::size_t weights) {
  if (activation.rank() != 4 || activation.dim(0) != 1) {
    throw Error("expected one image's activations, 1xCxHxW, found " + to_string(activation.shape()));
  }
  if (activation.dim(1) != static_cast<std::int64_t>(weights)) {
    throw Error("a map of " + std::to_string(activation.dim(1)) + " channels needs as many weights, not " +
                std::to_string(weights));
  }
}

void require_finite_map(const Tensor& map) {
  if (std::all_of(map.values().begin(), map.values().end(), [](float v) { return std::isfinite(v); })) return;
  throw Error("the weighted sum of the activations is not finite: they are too large for float32");
}

Tensor weighted_sum(const Tensor& activation, std::span<const double> weights) {
  require_one_weight_a_channel(activation, weights.size());
  const auto area = static_cast<std::size_t>(activation.dim(2) * activation.dim(3));
  xt::xtensor<double, 2> sum = xt::zeros<double>({activation.dim(2), activation.dim(3)});
  for (std::size_t k = 0; k < weights.size(); ++k) {
    // Many channels of a ReLU are zero for a given image; they have no weight and add nothing.
    if (weights[k] == 0) continue;
    // A plain loop: creating thousands of xtensor views of a few pixels takes longer than the pass through
    // the head.
    const float* plane = activation.data() + k * area;
    for (std::size_t i = 0; i < area; ++i) sum.data()[i] += weights[k] * static_cast<double>(plane[i]);
  }
  Tensor out = from_xtensor(sum);
  require_finite_map(out);
  return out;
}

Tensor rectified(const Tensor& sum) {
  Tensor out(sum.shape());
  std::transform(sum.values().begin(), sum.values().end(), out.data(),
                 [](float v) { return std::max(v, 0.0F); });
  return out;
}

bool speaks_against_alone(const Tensor& sum) {
  if (sum.size() == 0) return false;
  const auto [least, most] = std::minmax_element(sum.values().begin(), sum.values().end());
  return *least < 0 && *most <= -0.01F * *least;
}

std::string note_on(const Tensor& sum) {
  if (sum.size() == 0) return {};
  const auto [least, most] = std::minmax_element(sum.values().begin(), sum.values().end());
  if (*most > 0 && speaks_against_alone(sum))
    return "the map is close to zero: at this layer almost all evidence is against the class";
  if (*most > 0) {
    return *least == *most ? "the map is constant: it highlights no location" : std::string();
  }
  if (*least < 0) {
    return "the map is zero everywhere: at this layer all evidence is against the class";
  }
  return "the map is zero everywhere: no channel of this layer changes the score";
}

}  // namespace ablaze::cam
