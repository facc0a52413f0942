#include "cli/evaluate/report.hpp"

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/shell/output.hpp"

namespace ablaze::cli {

namespace {

using evaluate::ComparedMean;
using evaluate::interval_text;
using evaluate::MethodPair;
using Align = Table::Align;

int digits_of(const MetricInfo& metric) { return metric.unit.empty() ? 4 : 2; }

std::string range_text(const Estimate& value, const MetricInfo& metric) {
  return "[" + fixed(value.low, digits_of(metric)) + ", " + fixed(value.high, digits_of(metric)) + "]";
}

std::string heading(const Style& style, const MetricInfo& metric) {
  return bold(style, metric.name) + (metric.unit.empty() ? "" : ", " + metric.unit) +
         (metric.higher_is_better ? " (higher is better)" : " (lower is better)") + "\n";
}

/// The comparison of a method with the first one; its pairs come first.
const MethodPair* pair_with_first(const evaluate::Summary& summary, const std::string& method,
                                  const std::string& metric) {
  for (const MethodPair& pair : summary.pairs) {
    if (pair.against == method && pair.metric == metric)
      return &pair;  // the first match pairs it with the first method
  }
  return nullptr;
}

void add_row(Table& table, const evaluate::Summary& summary, const std::string& method,
             const MetricInfo& metric) {
  const Estimate& value = summary.mean(method, metric.id)->value;
  if (value.count == 0) {
    table.add({method, "no values", "", "", ""});
    return;
  }
  const MethodPair* const pair = pair_with_first(summary, method, metric.id);
  table.add({method, fixed(value.mean, digits_of(metric)), range_text(value, metric),
             pair != nullptr ? interval_text(pair->difference, metric) : "",
             pair != nullptr ? fixed(pair->wins, 1) + " %" : ""});
}

void print_table(const Style& style, const evaluate::Summary& summary, const MetricInfo& metric) {
  const auto methods = summary.manifest.methods();
  const bool several = methods.size() > 1;
  Table table({{"method"},
               {"mean", Align::right},
               {"95 % interval", Align::right},
               {several ? methods.front() + " minus this" : "", Align::right},
               {several ? methods.front() + " wins" : "", Align::right}});
  for (const std::string& method : methods) add_row(table, summary, method, metric);
  print(heading(style, metric) + table.text(style) + "\n");
}

Json estimate_json(const Estimate& value) {
  return {{"photos", value.count}, {"mean", value.mean}, {"low", value.low}, {"high", value.high}};
}

void print_summary_json(const evaluate::Summary& summary) {
  for (const evaluate::MethodMean& mean : summary.means) {
    Json line{{"method", mean.method}, {"against", nullptr}, {"metric", mean.metric}};
    line.update(estimate_json(mean.value));
    line["wins"] = nullptr;
    print_json(line);
  }
  for (const MethodPair& pair : summary.pairs) {
    Json line{{"method", pair.method}, {"against", pair.against}, {"metric", pair.metric}};
    line.update(estimate_json(pair.difference));
    line["wins"] = pair.wins;
    print_json(line);
  }
}

Json as_json(const ComparedMean& mean) {
  Json line{{"method", mean.method},
            {"metric", mean.metric},
            {"first", estimate_json(mean.first)},
            {"second", estimate_json(mean.second)},
            {"paired", mean.paired}};
  line["difference"] = mean.paired ? estimate_json(mean.difference) : Json{{"mean", mean.difference.mean}};
  line["wins"] = mean.paired ? Json(mean.wins) : Json();
  return line;
}

void add_row(Table& table, const ComparedMean& mean, const MetricInfo& metric) {
  table.add(
      {mean.method, interval_text(mean.first, metric), interval_text(mean.second, metric),
       mean.paired ? interval_text(mean.difference, metric) : fixed(mean.difference.mean, digits_of(metric)),
       mean.paired ? fixed(mean.wins, 1) + " %" : ""});
}

void print_comparison(const Style& style, const evaluate::Comparison& comparison) {
  print("A: " + comparison.first + "\nB: " + comparison.second + "\n");
  for (const std::string& remark : comparison.remarks) print(remark + "\n");
  for (const MetricInfo& metric : metrics()) {
    Table table({{"method"},
                 {"A", Align::right},
                 {"B", Align::right},
                 {"B minus A", Align::right},
                 {"B wins", Align::right}});
    bool any = false;
    for (const ComparedMean& mean : comparison.means) {
      if (mean.metric != metric.id) continue;
      any = true;
      add_row(table, mean, metric);
    }
    if (any) print("\n" + heading(style, metric) + table.text(style));
  }
}

}  // namespace

void report_summary(const evaluate::Summary& summary, bool json) {
  if (json) return print_summary_json(summary);
  const Style style = style_of(1);
  for (const std::string& metric : summary.manifest.metrics()) {
    print_table(style, summary, evaluate::metric_info(metric));
  }
}

void report_comparison(const evaluate::Comparison& comparison, bool json) {
  if (!json) return print_comparison(style_of(1), comparison);
  for (const ComparedMean& mean : comparison.means) print_json(as_json(mean));
}

}  // namespace ablaze::cli
