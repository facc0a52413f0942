#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ablaze/evaluate.hpp>
#include <ablaze/statistics.hpp>

#include "evaluate/run/run.hpp"

namespace ablaze::evaluate {

/// What a method reaches by a metric, over all photos.
struct MethodMean {
  std::string method, metric;
  Estimate value;
};

/// What two methods differ by on the same photos.
struct MethodPair {
  std::string method, against, metric;
  Estimate difference;  ///< `method` less `against`
  double wins = 0;      ///< % of the photos on which `method` is better; an equal pair counts half
};

/// The mean over all photos of each point of a metric's curve.
struct MeanCurve {
  std::string method, metric;
  std::vector<double> values;
};

struct FailedPhoto {
  std::string path, error;
};

/// A run in numbers.
struct Summary {
  Manifest manifest;
  std::size_t photos = 0;  ///< measured
  std::vector<FailedPhoto> failed;
  std::vector<MethodMean> means;  ///< methods outermost
  std::vector<MethodPair> pairs;  ///< each two methods, the earlier one first
  std::vector<MeanCurve> curves;  ///< of the metrics that go through steps

  const MethodMean* mean(const std::string& method, const std::string& metric) const;
};

/// Of a folder of results in photo order. Throws Error.
Summary summarise(const std::filesystem::path& folder);

/// The metric of this id. Throws Error.
const MetricInfo& metric_info(const std::string& id);

// The forms that a summary is written in; the numbers of JSON and CSV are exact.
std::string summary_json(const Summary& summary);
/// A row a method and metric, and one for each two methods (`against`).
std::string summary_csv(const Summary& summary);
std::string summary_markdown(const Summary& summary);

/// summary.json, .csv and .md and the figures bars.svg and curves.svg (the latter where there are curves),
/// each written whole.
void write_summary(const std::filesystem::path& folder, const Summary& summary);

/// "12.34 [11.90, 12.80]"
std::string interval_text(const Estimate& value, const MetricInfo& metric);

}  // namespace ablaze::evaluate
