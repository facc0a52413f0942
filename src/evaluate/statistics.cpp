#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/statistics.hpp>

#include "base/random.hpp"

namespace ablaze {
namespace {

constexpr int kMaxResamples = 1'000'000;

void check(std::span<const double> values, const BootstrapOptions& options) {
  if (options.resamples < 1 || options.resamples > kMaxResamples)
    throw UsageError("expected 1 to " + std::to_string(kMaxResamples) + " bootstrap resamples, found " +
                     std::to_string(options.resamples));
  if (!(options.confidence > 0 && options.confidence < 1))
    throw UsageError("expected a confidence between 0 and 1, found " + std::to_string(options.confidence));
  if (!std::ranges::all_of(values, [](double v) { return std::isfinite(v); }))
    throw Error("expected finite values for a mean, found others");
}

/// A quantile of sorted values, interpolated linearly.
double quantile(std::span<const double> sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

void require_pairs(std::span<const double> first, std::span<const double> second) {
  if (first.size() == second.size()) return;
  throw Error("expected pairs, found " + std::to_string(first.size()) + " values and " +
              std::to_string(second.size()));
}

}  // namespace

Estimate bootstrap_mean(std::span<const double> values, const BootstrapOptions& options) {
  check(values, options);
  if (values.empty()) return {};
  const auto n = static_cast<double>(values.size());
  base::SplitMix64 numbers(options.seed);
  std::vector<double> means(options.resamples);
  for (double& mean : means) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += values[numbers.below(values.size())];
    mean = sum / n;
  }
  std::ranges::sort(means);
  const double beyond = (1 - options.confidence) / 2;
  return {std::accumulate(values.begin(), values.end(), 0.0) / n, quantile(means, beyond),
          quantile(means, 1 - beyond), values.size()};
}

Estimate paired_difference(std::span<const double> first, std::span<const double> second,
                           const BootstrapOptions& options) {
  require_pairs(first, second);
  std::vector<double> differences(first.size());
  std::ranges::transform(first, second, differences.begin(), std::minus<>());
  return bootstrap_mean(differences, options);
}

Estimate win_percentage(std::span<const double> first, std::span<const double> second, bool higher_is_better,
                        const BootstrapOptions& options) {
  require_pairs(first, second);
  std::vector<double> wins(first.size());
  std::ranges::transform(first, second, wins.begin(), [&](double a, double b) {
    if (a == b) return 50.0;
    return (a > b) == higher_is_better ? 100.0 : 0.0;
  });
  return bootstrap_mean(wins, options);
}

}  // namespace ablaze
