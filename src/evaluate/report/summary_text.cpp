#include <array>
#include <charconv>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "evaluate/report/figures.hpp"
#include "evaluate/report/summary.hpp"
#include "formats/csv.hpp"

namespace ablaze::evaluate {
namespace {

using base::fixed;
using base::Json;

constexpr std::size_t kMaxFailuresListed = 20;

/// The shortest decimal that parses to this number.
std::string exact(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

int digits_of(const MetricInfo& metric) { return metric.unit.empty() ? 4 : 2; }

Json estimate_json(const Estimate& value) {
  return {{"photos", value.count}, {"mean", value.mean}, {"low", value.low}, {"high", value.high}};
}

Json with(Json head, const Json& tail) {
  head.update(tail);
  return head;
}

/// Replaces newlines and table bars, which would end a cell.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : base::printable(text, 400)) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string markdown_heading(const MetricInfo& metric) {
  return metric.name + (metric.unit.empty() ? "" : " (" + metric.unit + ")") +
         (metric.higher_is_better ? " ↑" : " ↓");
}

std::string table_head(const std::string& first, const std::vector<std::string>& metrics) {
  std::string names = "| " + first, rule = "|---";
  for (const std::string& metric : metrics) {
    names += " | " + markdown_heading(metric_info(metric));
    rule += "|---:";
  }
  return names + " |\n" + rule + "|\n";
}

std::string means_table(const Summary& summary) {
  const auto metrics = summary.manifest.metrics();
  std::string text = table_head("method", metrics);
  for (const std::string& method : summary.manifest.methods()) {
    text += "| " + method;
    for (const std::string& metric : metrics) {
      const Estimate& value = summary.mean(method, metric)->value;
      text += " | " + (value.count == 0 ? "–" : interval_text(value, metric_info(metric)));
    }
    text += " |\n";
  }
  return text;
}

std::string pairs_table(const Summary& summary) {
  const auto metrics = summary.manifest.metrics();
  const auto methods = summary.manifest.methods();
  std::string text = table_head(methods.front() + " less ...", metrics);
  for (const std::string& against : methods) {
    if (against == methods.front()) continue;
    text += "| " + against;
    for (const MethodPair& pair : summary.pairs) {
      if (pair.method != methods.front() || pair.against != against) continue;
      text += " | " + interval_text(pair.difference, metric_info(pair.metric)) + "; " + fixed(pair.wins, 1) +
              " %";
    }
    text += " |\n";
  }
  return text;
}

std::string failures_list(const Summary& summary) {
  if (summary.failed.empty()) return "";
  std::string text = "\n## Photos that failed\n\n";
  for (std::size_t i = 0; i < summary.failed.size() && i < kMaxFailuresListed; ++i) {
    const FailedPhoto& photo = summary.failed[i];
    const bool named = photo.error.find(photo.path) != std::string::npos;
    text += "- " + (named ? "" : cell(photo.path) + ": ") + cell(photo.error) + "\n";
  }
  if (summary.failed.size() > kMaxFailuresListed) {
    text += "- and " + std::to_string(summary.failed.size() - kMaxFailuresListed) + " more, see " +
            kResultsName + "\n";
  }
  return text;
}

std::string title(const Summary& summary) {
  const Json& what = *summary.manifest.what;
  const auto word = [&](const char* part, const char* key) {
    return cell(what.value(part, Json::object()).value(key, std::string()));
  };
  const Json layer = what.value("explain", Json::object()).value("layer", Json());
  std::string text = "# " + word("model", "file") + ", " + std::to_string(summary.photos) + " photos";
  if (!summary.failed.empty()) text += " (" + std::to_string(summary.failed.size()) + " more failed)";
  text += "\n\nLayer " + cell(layer.is_string() ? layer.get<std::string>() : layer.dump()) + ", " +
          word("model", "architecture");
  if (summary.manifest.shard.count > 1) text += "; only shard " + to_string(summary.manifest.shard);
  return text + ". Means with their 95 % bootstrap intervals; ↑ higher is better, ↓ lower is.\n";
}

}  // namespace

std::string interval_text(const Estimate& value, const MetricInfo& metric) {
  const int digits = digits_of(metric);
  return fixed(value.mean, digits) + " [" + fixed(value.low, digits) + ", " + fixed(value.high, digits) + "]";
}

std::string summary_json(const Summary& summary) {
  Json json{{"run", *summary.manifest.what}, {"photos", summary.photos}};
  if (summary.manifest.shard.count > 1) json["shard"] = to_string(summary.manifest.shard);
  json["failed"] = Json::array();
  for (const FailedPhoto& photo : summary.failed) {
    json["failed"].push_back({{"path", photo.path}, {"error", photo.error}});
  }
  json["means"] = Json::array();
  for (const MethodMean& mean : summary.means) {
    json["means"].push_back(
        with({{"method", mean.method}, {"metric", mean.metric}}, estimate_json(mean.value)));
  }
  json["differences"] = Json::array();
  for (const MethodPair& pair : summary.pairs) {
    Json line = with({{"method", pair.method}, {"against", pair.against}, {"metric", pair.metric}},
                     estimate_json(pair.difference));
    line["wins"] = pair.wins;
    json["differences"].push_back(std::move(line));
  }
  json["curves"] = Json::array();
  for (const MeanCurve& curve : summary.curves) {
    json["curves"].push_back({{"method", curve.method}, {"metric", curve.metric}, {"values", curve.values}});
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string summary_csv(const Summary& summary) {
  std::string text = "method,against,metric,photos,mean,low,high,wins\n";
  const auto numbers = [](const Estimate& value) {
    return "," + std::to_string(value.count) + "," + exact(value.mean) + "," + exact(value.low) + "," +
           exact(value.high) + ",";
  };
  for (const MethodMean& mean : summary.means) {
    text +=
        formats::csv_field(mean.method) + ",," + formats::csv_field(mean.metric) + numbers(mean.value) + "\n";
  }
  for (const MethodPair& pair : summary.pairs) {
    text += formats::csv_field(pair.method) + "," + formats::csv_field(pair.against) + "," +
            formats::csv_field(pair.metric) + numbers(pair.difference) + exact(pair.wins) + "\n";
  }
  return text;
}

std::string summary_markdown(const Summary& summary) {
  std::string text = title(summary) + "\n" + means_table(summary);
  if (summary.manifest.methods().size() > 1) {
    text += "\nDifferences on the same photos, and on how many of them the first is better:\n\n" +
            pairs_table(summary);
  }
  text += "\n![Means with their intervals](bars.svg)\n";
  if (!summary.curves.empty()) text += "\n![Curves over the steps](curves.svg)\n";
  return text + failures_list(summary);
}

void write_summary(const std::filesystem::path& folder, const Summary& summary) {
  base::write_file(folder / "summary.json", summary_json(summary));
  base::write_file(folder / "summary.csv", summary_csv(summary));
  base::write_file(folder / "summary.md", summary_markdown(summary));
  base::write_file(folder / "bars.svg", bars_svg(summary));
  if (!summary.curves.empty()) base::write_file(folder / "curves.svg", curves_svg(summary));
}

}  // namespace ablaze::evaluate
