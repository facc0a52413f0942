#pragma once

#include <span>
#include <string>
#include <vector>

#include <ablaze/evaluate.hpp>

namespace ablaze::evaluate {

/// In the order of ablaze::metrics().
enum class Metric {
  average_drop,
  increase,
  average_gain,
  insertion,
  deletion,
  adcc,
  coherency,
  complexity,
  pointing_game,
  energy_pointing_game,
  randomization,
};

const MetricInfo& info_of(Metric metric);

/// The metrics with these ids, without duplicates, in order. Throws UsageError for an unknown id, with the
/// nearest known one.
std::vector<Metric> metrics_named(std::span<const std::string> ids);

}  // namespace ablaze::evaluate
