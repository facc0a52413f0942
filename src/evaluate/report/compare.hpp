#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ablaze/statistics.hpp>

namespace ablaze::evaluate {

/// One method and metric in two runs.
struct ComparedMean {
  std::string method, metric;
  Estimate first, second;
  /// Second minus first on the same photos; without pairs (`paired` false) the difference of the means,
  /// without an interval.
  Estimate difference;
  bool paired = false;
  double wins = 0;  ///< % of the photos with a better second value; an equal pair counts half
};

/// The comparison of two runs: all that both measured.
struct Comparison {
  std::string first, second;         ///< what distinguishes them: model file, layer, differing options
  std::vector<ComparedMean> means;   ///< in the order of the first run
  std::vector<std::string> remarks;  ///< what could not be compared, and why
};

/// Compares two summary.json. If both have the same photos and results.jsonl in the same folder, compares
/// photo by photo. Throws Error.
Comparison compare_runs(const std::filesystem::path& first, const std::filesystem::path& second);

}  // namespace ablaze::evaluate
