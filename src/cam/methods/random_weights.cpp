#include <vector>

#include "base/random.hpp"
#include "cam/methods/methods.hpp"
#include "cam/result.hpp"

// The baseline that every method must beat: weights uniform in [-1, 1), and
//
//     map = ReLU(sum_k w_k A_k)
//
// The weights depend only on the seed, the class and the channel, not on other targets of the same call.

namespace ablaze::cam {

namespace {

std::vector<double> random_weights(std::uint64_t seed, std::int64_t index, std::int64_t channels) {
  base::SplitMix64 of_class(static_cast<std::uint64_t>(index));
  base::SplitMix64 numbers(seed ^ of_class.next());
  std::vector<double> weights;
  for (std::int64_t k = 0; k < channels; ++k) weights.push_back(2 * numbers.unit() - 1);
  return weights;
}

std::vector<Result> random_maps(const Request& request) {
  const Tensor activation = request.trace.activation(request.layer);
  std::vector<Result> results;
  for (const Target& target : request.targets) {
    const std::int64_t index = target.terms.at(0).score.index;
    results.push_back(
        result_from(activation, random_weights(request.options.seed, index, activation.dim(1))));
  }
  return results;
}

}  // namespace

constexpr Method random_cam{
    .id = "random",
    .name = "Random weights",
    .summary = "Weights channels randomly: a baseline that every method should beat.",
    .paper = "none: a baseline",
    .passes = "only the forward pass",
    .class_discriminative = false,
    .cost = [](const Shape&, const MethodOptions&) { return Cost{}; },
    .explain = random_maps,
};

}  // namespace ablaze::cam
