#include "evaluate/report/compare.hpp"

#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/folders.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "evaluate/report/summary.hpp"
#include "evaluate/run/results.hpp"
#include "evaluate/run/run.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

using base::Json;
using Key = std::pair<std::string, std::string>;              // method, metric
using Values = std::map<Key, std::map<std::size_t, double>>;  // by photo

constexpr std::uint64_t kLargestSummary = std::uint64_t{256} << 20;

struct Run {
  Json what;
  std::string photos;  // identifies the photos
  std::vector<MethodMean> means;
  Values values;  // empty if results.jsonl is not in the summary's folder
};

Estimate estimate_of(const Json& line) {
  return {line.at("mean"), line.at("low"), line.at("high"), line.at("photos")};
}

Values read_values(const fs::path& file) {
  if (!base::is_regular_file(file)) return {};
  const auto mapped = base::MappedFile::open(file);
  const std::string_view text(reinterpret_cast<const char*>(mapped->bytes().data()), mapped->bytes().size());
  Values values;
  for (const ResultBlock& block : in_photo_order(scan_results(text).blocks)) {
    for (const Measurement& m : parse_lines(text.substr(block.begin, block.size)).measurements) {
      if (std::isfinite(m.value)) values[{m.method, m.metric}][block.photo] = m.value;
    }
  }
  return values;
}

/// `place`: a summary.json, or its folder.
Run read_run(const fs::path& place) {
  const fs::path file = base::is_folder(place) ? place / "summary.json" : place;
  const auto bytes = base::read_file(file, kLargestSummary);
  const auto* const text = reinterpret_cast<const char*>(bytes.data());
  try {
    const Json json = base::parse_json({text, bytes.size()});
    Run run{json.at("run"), json.at("run").at("photos").at("sha256"), {}, {}};
    for (const Json& line : json.at("means")) {
      run.means.push_back({line.at("method"), line.at("metric"), estimate_of(line)});
    }
    run.values = read_values(file.parent_path() / kResultsName);
    return run;
  } catch (const Json::exception&) {
    throw Error(base::printable(file.string(), 400) + ": expected a summary.json from 'ablaze evaluate'");
  }
}

/// The values of the photos that both runs have.
std::pair<std::vector<double>, std::vector<double>> pairs_of(const Run& first, const Run& second,
                                                             const Key& key) {
  std::pair<std::vector<double>, std::vector<double>> pairs;
  const auto a = first.values.find(key), b = second.values.find(key);
  if (first.photos != second.photos || a == first.values.end() || b == second.values.end()) return pairs;
  for (const auto& [photo, value] : a->second) {
    const auto other = b->second.find(photo);
    if (other == b->second.end()) continue;
    pairs.first.push_back(value);
    pairs.second.push_back(other->second);
  }
  return pairs;
}

ComparedMean compare(const Run& first, const Run& second, const MethodMean& a, const MethodMean& b) {
  ComparedMean out{a.method, a.metric, a.value, b.value, {}, false, 0};
  const auto [one, two] = pairs_of(first, second, {a.method, a.metric});
  out.paired = !one.empty();
  if (!out.paired) {
    const double difference = b.value.mean - a.value.mean;
    out.difference = {difference, difference, difference, 0};
    return out;
  }
  BootstrapOptions once;
  once.resamples = 1;
  out.difference = paired_difference(two, one);
  out.wins = win_percentage(two, one, metric_info(a.metric).higher_is_better, once).mean;
  return out;
}

const MethodMean* find(const Run& run, const MethodMean& wanted) {
  for (const MethodMean& mean : run.means) {
    if (mean.method == wanted.method && mean.metric == wanted.metric) return &mean;
  }
  return nullptr;
}

std::string text_of(const Json& value) {
  return base::printable(value.is_string() ? value.get<std::string>() : value.dump(), 60);
}

/// The options that differ: "ablate {"scale":0.5}".
void add_differences(const Json& own, const Json& other, const std::string& name, std::string& text) {
  if (own == other) return;
  if (!own.is_object() || !other.is_object()) {
    text += ", " + name + " " + text_of(own);
    return;
  }
  for (const auto& [key, value] : own.items()) {
    if (other.contains(key)) add_differences(value, other.at(key), key, text);
  }
}

std::string name_of(const Run& run, const Run& other) {
  std::string text = text_of(run.what.value("model", Json::object()).value("file", Json("?")));
  for (const char* part : {"explain", "evaluate", "engine"}) {
    add_differences(run.what.value(part, Json::object()), other.what.value(part, Json::object()), part, text);
  }
  return text;
}

}  // namespace

Comparison compare_runs(const fs::path& first_file, const fs::path& second_file) {
  const Run first = read_run(first_file), second = read_run(second_file);
  Comparison out{name_of(first, second), name_of(second, first), {}, {}};
  for (const MethodMean& mean : first.means) {
    if (const MethodMean* const other = find(second, mean)) {
      out.means.push_back(compare(first, second, mean, *other));
    }
  }
  if (out.means.empty()) throw Error("the two runs have no method and metric in common");
  if (first.photos != second.photos) {
    out.remarks.emplace_back("the runs have different photos: comparing means, without intervals");
  } else if (first.values.empty() || second.values.empty()) {
    out.remarks.emplace_back(
        "results.jsonl is missing in a run's folder: comparing means, without intervals");
  }
  return out;
}

}  // namespace ablaze::evaluate
