#pragma once

#include <optional>
#include <span>

// The metrics' formulas on plain numbers, in float64. y: the class's probability in the photo; o: in the
// photo masked by the map.

namespace ablaze::evaluate {

double average_drop(double y, double o);  ///< max(0, y - o) / y; 0 where y is 0
double average_gain(double y, double o);  ///< max(0, o - y) / (1 - y); 0 where y is 1

/// The area under a curve over [0, 1] whose points are evenly spaced: trapezia. At least two points.
double area_under(std::span<const double> curve);

/// Pearson's correlation of two sequences of one length; nothing where one of them is constant.
std::optional<double> pearson(std::span<const float> a, std::span<const float> b);
/// Spearman's rank correlation: Pearson's of the ranks, of which equal values share the mean. Likewise.
std::optional<double> spearman(std::span<const float> a, std::span<const float> b);

/// The mean of a map whose values lie in [0, 1].
double complexity(std::span<const float> map);

/// The harmonic mean of coherency, 1 - complexity and 1 - drop, all in [0, 1]; 0 where one of them is 0.
double adcc(double coherency, double complexity, double drop);

}  // namespace ablaze::evaluate
