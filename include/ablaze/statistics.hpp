#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ablaze {

/// A mean and the interval that it may be taken to lie in.
struct Estimate {
  double mean = 0;
  double low = 0, high = 0;
  std::size_t count = 0;  ///< of values
};

struct BootstrapOptions {
  int resamples = 2000;
  double confidence = 0.95;
  std::uint64_t seed = 0;
};

/// The mean of some values with a bootstrap interval: the values are drawn again with replacement, as many as
/// there are, `resamples` times over, and the interval holds the middle `confidence` of the means (percentile
/// method: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). The same
/// numbers for the same values in the same order, everywhere. One value: an interval without length; none:
/// zeros. Throws Error where a value is not finite, UsageError for options out of range.
Estimate bootstrap_mean(std::span<const double> values, const BootstrapOptions& options = {});

/// The mean of first[i] - second[i] with its interval: what two methods differ by on the same photos, whose
/// own differences drop out. Throws Error where the counts differ.
Estimate paired_difference(std::span<const double> first, std::span<const double> second,
                           const BootstrapOptions& options = {});

/// On what share of the photos, in %, the first is better than the second, with its interval: Win % (A.
/// Chattopadhay et al., Grad-CAM++, WACV 2018). An equal pair counts half for each, so that two methods'
/// shares add up to 100.
Estimate win_percentage(std::span<const double> first, std::span<const double> second, bool higher_is_better,
                        const BootstrapOptions& options = {});

}  // namespace ablaze
