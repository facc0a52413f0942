#pragma once

#include <string>

#include "evaluate/report/summary.hpp"

namespace ablaze::evaluate {

// Figures as SVG, written by hand: what Debian has for C++ either draws on a screen, or brings a toolkit, a
// language or a program of its own (plplot, mathgl, gnuplot) for what is a few lines and rectangles here.

/// A panel a metric: each method's mean as a bar, with its interval.
std::string bars_svg(const Summary& summary);

/// A panel for each metric that goes through steps: each method's mean curve.
std::string curves_svg(const Summary& summary);

}  // namespace ablaze::evaluate
