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

/// A method's mean for a metric, over all photos.
struct MethodMean {
  std::string method, metric;
  Estimate value;
};

/// The difference of two methods on the same photos.
struct MethodPair {
  std::string method, against, metric;
  Estimate difference;  ///< `method` minus `against`
  double wins = 0;      ///< % of the photos with a better `method`; an equal pair counts half
};

/// The mean curve of a metric over all photos.
struct MeanCurve {
  std::string method, metric;
  std::vector<double> values;
};

struct FailedPhoto {
  std::string path, error;
};

/// A run's summary.
struct Summary {
  Manifest manifest;
  std::size_t photos = 0;  ///< with measurements
  std::vector<FailedPhoto> failed;
  std::vector<MethodMean> means;  ///< ordered by method, then metric
  std::vector<MethodPair> pairs;  ///< each pair of methods, the earlier one first
  std::vector<MeanCurve> curves;  ///< of the stepwise metrics

  const MethodMean* mean(const std::string& method, const std::string& metric) const;
};

/// Summarises a folder of results in photo order. Throws Error.
Summary summarise(const std::filesystem::path& folder);

/// The metric with this id. Throws Error.
const MetricInfo& metric_info(const std::string& id);

// The summary's formats. The numbers in JSON and CSV are exact.
std::string summary_json(const Summary& summary);
/// One row per method and metric, and one per pair of methods (`against`).
std::string summary_csv(const Summary& summary);
std::string summary_markdown(const Summary& summary);

/// Writes summary.json, .csv and .md and the figures bars.svg and curves.svg (the latter only with curves),
/// each atomically.
void write_summary(const std::filesystem::path& folder, const Summary& summary);

/// "12.34 [11.90, 12.80]"
std::string interval_text(const Estimate& value, const MetricInfo& metric);

}  // namespace ablaze::evaluate
