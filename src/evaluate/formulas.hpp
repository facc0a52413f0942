#pragma once

#include <optional>
#include <span>

// The metrics' formulas in float64. y: the class's probability for the photo; o: for the photo masked by the
// map.

namespace ablaze::evaluate {

double average_drop(double y, double o);  ///< max(0, y - o) / y; 0 if y is 0
double average_gain(double y, double o);  ///< max(0, o - y) / (1 - y); 0 if y is 1

/// The area under a curve over [0, 1] with evenly spaced points, by the trapezoidal rule. At least two
/// points.
double area_under(std::span<const double> curve);

/// Pearson's correlation of two sequences of equal length; nothing if one is constant.
std::optional<double> pearson(std::span<const float> a, std::span<const float> b);
/// Spearman's rank correlation: Pearson's of the ranks; equal values share their mean rank. Nothing if one is
/// constant.
std::optional<double> spearman(std::span<const float> a, std::span<const float> b);

/// The mean of a map with values in [0, 1].
double complexity(std::span<const float> map);

/// The harmonic mean of coherency, 1 - complexity and 1 - drop, all in [0, 1]; 0 if one of them is 0.
double adcc(double coherency, double complexity, double drop);

}  // namespace ablaze::evaluate
