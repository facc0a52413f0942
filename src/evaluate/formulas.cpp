#include "evaluate/formulas.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace ablaze::evaluate {
namespace {

std::optional<double> correlation(std::span<const double> a, std::span<const double> b) {
  const auto n = static_cast<double>(a.size());
  const double mean_a = std::reduce(a.begin(), a.end()) / n, mean_b = std::reduce(b.begin(), b.end()) / n;
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double da = a[i] - mean_a, db = b[i] - mean_b;
    aa += da * da;
    bb += db * db;
    ab += da * db;
  }
  if (aa == 0 || bb == 0) return std::nullopt;
  return std::clamp(ab / (std::sqrt(aa) * std::sqrt(bb)), -1.0, 1.0);
}

bool is_constant(std::span<const float> values) {
  return std::ranges::all_of(values, [&](float v) { return v == values.front(); });
}

/// 1 for the smallest; equal values have the mean of their ranks.
std::vector<double> ranks(std::span<const float> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  std::vector<double> rank(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const double shared = (static_cast<double>(first + last) + 1) / 2;
    for (std::size_t i = first; i < last; ++i) rank[order[i]] = shared;
  }
  return rank;
}

}  // namespace

double average_drop(double y, double o) { return y > 0 ? std::max(0.0, y - o) / y : 0; }

double average_gain(double y, double o) { return y < 1 ? std::max(0.0, o - y) / (1 - y) : 0; }

double area_under(std::span<const double> curve) {
  const double sum = std::accumulate(curve.begin(), curve.end(), 0.0);
  return (sum - (curve.front() + curve.back()) / 2) / static_cast<double>(curve.size() - 1);
}

std::optional<double> pearson(std::span<const float> a, std::span<const float> b) {
  // A constant's mean may be rounded to another value.
  if (a.empty() || is_constant(a) || is_constant(b)) return std::nullopt;
  const std::vector<double> wide_a(a.begin(), a.end()), wide_b(b.begin(), b.end());
  return correlation(wide_a, wide_b);
}

std::optional<double> spearman(std::span<const float> a, std::span<const float> b) {
  if (a.empty() || is_constant(a) || is_constant(b)) return std::nullopt;
  return correlation(ranks(a), ranks(b));
}

double complexity(std::span<const float> map) {
  return std::accumulate(map.begin(), map.end(), 0.0) / static_cast<double>(map.size());
}

double adcc(double coherency, double complexity, double drop) {
  const double simple = 1 - complexity, left = 1 - drop;
  if (coherency <= 0 || simple <= 0 || left <= 0) return 0;
  return 3 / (1 / coherency + 1 / simple + 1 / left);
}

}  // namespace ablaze::evaluate
