#include "evaluate/report/figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "evaluate/report/svg.hpp"

namespace ablaze::evaluate {
namespace {

using Anchor = Svg::Anchor;

// Okabe and Ito's colours, which most colour-blind readers can distinguish, without the yellow, which is too
// pale on white. With more methods than colours, lines are dashed.
constexpr std::array<std::string_view, 7> kColours{"#d55e00", "#0072b2", "#009e73", "#cc79a7",
                                                   "#e69f00", "#56b4e9", "#444444"};
constexpr std::array<std::string_view, 4> kDashes{"", "6 3", "2 2", "8 3 2 3"};
constexpr std::string_view kPale = "#e6e6e6", kDark = "#222222", kMiddling = "#888888";

Svg::Line line_of(std::size_t method) {
  return {kColours[method % kColours.size()], 1.8, kDashes[method / kColours.size() % kDashes.size()]};
}

/// An axis with round numbers at its ticks.
struct Axis {
  double low = 0, high = 1, step = 0.2;
  int digits = 1;

  double share(double value) const { return (value - low) / (high - low); }
};

/// From the minimum to the maximum, including zero, because a bar's length represents its value.
Axis axis_over(double least, double largest) {
  least = std::min(least, 0.0);
  largest = std::max(largest, 0.0);
  if (!(largest > least)) largest = least + 1;
  const double rough = (largest - least) / 4;
  const double unit = std::pow(10, std::floor(std::log10(rough)));
  const double ratio = rough / unit;
  const double step = unit * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
  const int digits = std::clamp(static_cast<int>(-std::floor(std::log10(step))), 0, 12);
  return {step * std::floor(least / step), step * std::ceil(largest / step), step, digits};
}

int mark_count(const Axis& axis) { return static_cast<int>(std::lround((axis.high - axis.low) / axis.step)); }

std::string heading(const MetricInfo& metric) {
  return metric.name + (metric.unit.empty() ? "" : ", " + metric.unit) +
         (metric.higher_is_better ? " (higher is better)" : " (lower is better)");
}

/// The layout of a panel of bars.
struct BarPanel {
  static constexpr double names = 132, plot = 190, values = 62, row = 19, top = 30, bottom = 30;
  static constexpr double width = names + plot + values + 16;
  static double height(std::size_t methods) { return top + row * static_cast<double>(methods) + bottom; }
};

void draw_bar(Svg& svg, double x, double y, const Axis& axis, const Estimate& value, std::size_t method,
              int digits) {
  const auto at = [&](double v) { return x + BarPanel::plot * axis.share(v); };
  const double from = at(std::min(value.mean, 0.0)), to = at(std::max(value.mean, 0.0));
  svg.rectangle(from, y + 3, to - from, BarPanel::row - 7, kColours[method % kColours.size()]);
  const double middle = y + BarPanel::row / 2 - 0.5;
  svg.line(at(value.low), middle, at(value.high), middle, {kDark, 1.2});
  for (const double end : {value.low, value.high}) {
    svg.line(at(end), middle - 3.5, at(end), middle + 3.5, {kDark, 1.2});
  }
  svg.text(x + BarPanel::plot + 8, y + 13, base::fixed(value.mean, digits), Anchor::start, 11);
}

void draw_bars(Svg& svg, double x, double y, const Summary& summary, const std::string& metric) {
  const MetricInfo& info = metric_info(metric);
  const auto methods = summary.manifest.methods();
  double least = 0, largest = 0;
  for (const std::string& method : methods) {
    const Estimate& value = summary.mean(method, metric)->value;
    least = std::min({least, value.low, value.mean});
    largest = std::max({largest, value.high, value.mean});
  }
  const Axis axis = axis_over(least, largest);
  svg.text(x, y + 14, heading(info), Anchor::start, 12.5, true);
  const double left = x + BarPanel::names, top = y + BarPanel::top;
  const double bottom = top + BarPanel::row * static_cast<double>(methods.size());
  for (int i = 0; i <= mark_count(axis); ++i) {
    const double value = axis.low + i * axis.step;
    const double at = left + BarPanel::plot * axis.share(value);
    svg.line(at, top - 4, at, bottom + 2, {kPale});
    svg.text(at, bottom + 15, base::fixed(value, axis.digits), Anchor::middle, 10);
  }
  for (std::size_t i = 0; i < methods.size(); ++i) {
    const double row = top + BarPanel::row * static_cast<double>(i);
    const Estimate& value = summary.mean(methods[i], metric)->value;
    svg.text(left - 8, row + 13, methods[i], Anchor::end, 11);
    if (value.count > 0) draw_bar(svg, left, row, axis, value, i, info.unit.empty() ? 3 : 1);
  }
  const double zero = left + BarPanel::plot * axis.share(0);
  svg.line(zero, top - 4, zero, bottom + 2, {kMiddling});
}

struct CurvePanel {
  static constexpr double left = 46, plot_width = 330, top = 34, plot_height = 250, bottom = 44;
  static constexpr double width = left + plot_width + 24, height = top + plot_height + bottom;
};

/// The label of the steps' axis.
std::string steps_name(const std::string& metric) {
  if (metric == "insertion") return "share of the pixels that are shown";
  if (metric == "deletion") return "share of the pixels that are taken away";
  return "share of the stages that are re-drawn, from the top down";
}

void draw_frame(Svg& svg, double x, double y, const Axis& axis, const std::string& metric) {
  const double left = x + CurvePanel::left, top = y + CurvePanel::top;
  const double bottom = top + CurvePanel::plot_height;
  svg.text(left, y + 16, heading(metric_info(metric)), Anchor::start, 12.5, true);
  for (int i = 0; i <= mark_count(axis); ++i) {
    const double value = axis.low + i * axis.step;
    const double at = bottom - CurvePanel::plot_height * axis.share(value);
    svg.line(left, at, left + CurvePanel::plot_width, at, {i == 0 ? kMiddling : kPale});
    svg.text(left - 7, at + 4, base::fixed(value, axis.digits), Anchor::end, 10);
  }
  for (int i = 0; i <= 5; ++i) {
    const double at = left + CurvePanel::plot_width * i / 5;
    svg.line(at, bottom, at, bottom + 4, {kMiddling});
    svg.text(at, bottom + 16, base::fixed(i / 5.0, 1), Anchor::middle, 10);
  }
  svg.text(left + CurvePanel::plot_width / 2, bottom + 33, steps_name(metric), Anchor::middle, 11);
}

void draw_curves(Svg& svg, double x, double y, const Summary& summary, const std::string& metric) {
  double least = 0, largest = 0;
  for (const MeanCurve& curve : summary.curves) {
    if (curve.metric != metric) continue;
    least = std::min(least, *std::min_element(curve.values.begin(), curve.values.end()));
    largest = std::max(largest, *std::max_element(curve.values.begin(), curve.values.end()));
  }
  const Axis axis = axis_over(least, largest);
  draw_frame(svg, x, y, axis, metric);
  const auto methods = summary.manifest.methods();
  for (const MeanCurve& curve : summary.curves) {
    if (curve.metric != metric) continue;
    std::vector<std::pair<double, double>> points;
    const double last = static_cast<double>(curve.values.size() - 1);
    for (std::size_t i = 0; i < curve.values.size(); ++i) {
      points.emplace_back(x + CurvePanel::left + CurvePanel::plot_width * static_cast<double>(i) / last,
                          y + CurvePanel::top + CurvePanel::plot_height * (1 - axis.share(curve.values[i])));
    }
    const auto method = std::find(methods.begin(), methods.end(), curve.method) - methods.begin();
    svg.polyline(points, line_of(static_cast<std::size_t>(method)));
  }
}

constexpr double kLegendWidth = 150, kMargin = 14;

void draw_legend(Svg& svg, double x, double y, const std::vector<std::string>& methods) {
  for (std::size_t i = 0; i < methods.size(); ++i) {
    const double row = y + 19 * static_cast<double>(i);
    svg.line(x, row, x + 26, row, line_of(i));
    svg.text(x + 34, row + 4, methods[i], Anchor::start, 11);
  }
}

}  // namespace

std::string bars_svg(const Summary& summary) {
  const auto metrics = summary.manifest.metrics();
  const std::size_t across = std::clamp<std::size_t>(metrics.size(), 1, 2);
  const std::size_t down = (metrics.size() + across - 1) / across;
  const double height = BarPanel::height(summary.manifest.methods().size());
  Svg svg(2 * kMargin + BarPanel::width * static_cast<double>(across),
          2 * kMargin + height * static_cast<double>(down));
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const std::size_t row = i / across, column = i % across;
    draw_bars(svg, kMargin + BarPanel::width * static_cast<double>(column),
              kMargin + height * static_cast<double>(row), summary, metrics[i]);
  }
  return std::move(svg).finish();
}

std::string curves_svg(const Summary& summary) {
  std::set<std::string> with_curves;
  for (const MeanCurve& curve : summary.curves) with_curves.insert(curve.metric);
  const auto methods = summary.manifest.methods();
  const double legend = 19 * static_cast<double>(methods.size()) + 40;
  Svg svg(2 * kMargin + CurvePanel::width * static_cast<double>(with_curves.size()) + kLegendWidth,
          2 * kMargin + std::max(CurvePanel::height, legend));
  double x = kMargin;
  for (const std::string& metric : summary.manifest.metrics()) {
    if (!with_curves.contains(metric)) continue;
    draw_curves(svg, x, kMargin, summary, metric);
    x += CurvePanel::width;
  }
  draw_legend(svg, x, kMargin + CurvePanel::top + 8, methods);
  return std::move(svg).finish();
}

}  // namespace ablaze::evaluate
