#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ablaze/statistics.hpp>

namespace ablaze::evaluate {

/// One method and metric of two runs.
struct ComparedMean {
  std::string method, metric;
  Estimate first, second;
  /// Second less first on the same photos; without pairs (`paired` false) the difference of the means, and no
  /// interval.
  Estimate difference;
  bool paired = false;
  double wins = 0;  ///< % of the photos on which the second is better; an equal pair counts half
};

/// Two runs, or two models, side by side: what both measured.
struct Comparison {
  std::string first, second;         ///< what they are: model file, layer and options that differ
  std::vector<ComparedMean> means;   ///< in the first one's order
  std::vector<std::string> remarks;  ///< what could not be compared, and why
};

/// Of two summary.json. Where both saw the same photos and their results.jsonl still lie beside them, photos
/// are compared with themselves. Throws Error.
Comparison compare_runs(const std::filesystem::path& first, const std::filesystem::path& second);

}  // namespace ablaze::evaluate
