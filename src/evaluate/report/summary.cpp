#include "evaluate/report/summary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/text.hpp"
#include "evaluate/run/results.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();
/// Shorter curves are extra numbers, not curves over steps.
constexpr std::size_t kShortestCurve = 3;

using Key = std::pair<std::string, std::string>;  // method, metric

/// A method's values for a metric, one per photo (NaN: none), and the sum of its curves.
struct Column {
  std::vector<double> values;
  std::vector<double> judged;  // the values that decide wins
  std::vector<double> curve;
  std::size_t curves = 0;
};

void add_curve(Column& column, std::span<const double> curve) {
  if (curve.size() < kShortestCurve) return;
  column.curve.resize(std::max(column.curve.size(), curve.size()));
  for (std::size_t i = 0; i < curve.size(); ++i) column.curve[i] += curve[i];
  ++column.curves;
}

/// An average drop is 0 for every increase; wins compare the unclipped drop, which is then negative.
double judged_value(const Measurement& measurement) {
  const auto& scores = measurement.curve;  // the photo's, the masked photo's
  if (measurement.metric != "average-drop" || scores.size() < 2 || !(scores[0] > 0)) return measurement.value;
  return 100 * (scores[0] - scores[1]) / scores[0];
}

/// Collects all measurements of a results file, photo by photo.
class Collector {
 public:
  explicit Collector(Summary& summary) : summary_(summary) {
    for (const std::string& method : summary.manifest.methods()) {
      for (const std::string& metric : summary.manifest.metrics()) columns_[{method, metric}];
    }
  }

  void add(const PhotoResult& result) {
    if (!result.error.empty()) {
      summary_.failed.push_back({result.path, result.error});
      return;
    }
    ++summary_.photos;
    for (auto& [key, column] : columns_) {
      column.values.push_back(kNoValue);
      column.judged.push_back(kNoValue);
    }
    for (const Measurement& measurement : result.measurements) {
      const auto found = columns_.find({measurement.method, measurement.metric});
      if (found == columns_.end()) continue;
      found->second.values.back() = measurement.value;
      found->second.judged.back() = judged_value(measurement);
      add_curve(found->second, measurement.curve);
    }
  }

  const Column& column(const std::string& method, const std::string& metric) const {
    return columns_.at({method, metric});
  }

 private:
  Summary& summary_;
  std::map<Key, Column> columns_;
};

Estimate mean_of(std::span<const double> values) {
  std::vector<double> present;
  std::copy_if(values.begin(), values.end(), std::back_inserter(present),
               [](double value) { return std::isfinite(value); });
  return bootstrap_mean(present);
}

/// The photos with a value of both.
struct Pairs {
  std::vector<double> first, second;
};
Pairs pairs_of(std::span<const double> first, std::span<const double> second) {
  Pairs out;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (!std::isfinite(first[i]) || !std::isfinite(second[i])) continue;
    out.first.push_back(first[i]);
    out.second.push_back(second[i]);
  }
  return out;
}

MethodPair pair_of(const std::string& method, const std::string& against, const MetricInfo& metric,
                   const Collector& columns) {
  const Column& first = columns.column(method, metric.id);
  const Column& second = columns.column(against, metric.id);
  const Pairs values = pairs_of(first.values, second.values), judged = pairs_of(first.judged, second.judged);
  // Only the share of wins is reported; the interval of the difference gives the uncertainty.
  BootstrapOptions once;
  once.resamples = 1;
  return {method, against, metric.id, paired_difference(values.first, values.second),
          win_percentage(judged.first, judged.second, metric.higher_is_better, once).mean};
}

void take_means(const Collector& columns, Summary& summary) {
  for (const std::string& method : summary.manifest.methods()) {
    for (const std::string& metric : summary.manifest.metrics()) {
      const Column& column = columns.column(method, metric);
      summary.means.push_back({method, metric, mean_of(column.values)});
      if (column.curves == 0) continue;
      MeanCurve curve{method, metric, column.curve};
      for (double& value : curve.values) value /= static_cast<double>(column.curves);
      summary.curves.push_back(std::move(curve));
    }
  }
}

void take_pairs(const Collector& columns, Summary& summary) {
  const auto methods = summary.manifest.methods();
  for (std::size_t i = 0; i < methods.size(); ++i) {
    for (std::size_t j = i + 1; j < methods.size(); ++j) {
      for (const std::string& metric : summary.manifest.metrics()) {
        summary.pairs.push_back(pair_of(methods[i], methods[j], metric_info(metric), columns));
      }
    }
  }
}

}  // namespace

const MethodMean* Summary::mean(const std::string& method, const std::string& metric) const {
  const auto found = std::find_if(means.begin(), means.end(), [&](const MethodMean& mean) {
    return mean.method == method && mean.metric == metric;
  });
  return found == means.end() ? nullptr : &*found;
}

const MetricInfo& metric_info(const std::string& id) {
  for (const MetricInfo& metric : metrics()) {
    if (metric.id == id) return metric;
  }
  throw Error("no metric \"" + base::printable(id) + "\" in this version of ablaze");
}

Summary summarise(const fs::path& folder) {
  Summary summary;
  summary.manifest = read_manifest(folder);
  const auto file = base::MappedFile::open(folder / kResultsName);
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  Collector columns(summary);
  for (const ResultBlock& block : in_photo_order(scan_results(text).blocks)) {
    columns.add(parse_lines(text.substr(block.begin, block.size)));
  }
  take_means(columns, summary);
  take_pairs(columns, summary);
  return summary;
}

}  // namespace ablaze::evaluate
