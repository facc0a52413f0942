#pragma once

#include <string>

#include "evaluate/report/summary.hpp"

namespace ablaze::evaluate {

// Figures as SVG, without a library: Debian's C++ plotting libraries either draw on a screen, or need a
// toolkit, a language or another program (plplot, mathgl, gnuplot). These figures are a few lines and
// rectangles.

/// One panel per metric: each method's mean as a bar, with its interval.
std::string bars_svg(const Summary& summary);

/// One panel per stepwise metric: each method's mean curve.
std::string curves_svg(const Summary& summary);

}  // namespace ablaze::evaluate
