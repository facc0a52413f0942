#pragma once

#include "evaluate/report/compare.hpp"
#include "evaluate/report/summary.hpp"

namespace ablaze::cli {

/// Prints a summary: one table per metric, or with `json` one JSON object per line for each row of
/// summary.csv.
void report_summary(const evaluate::Summary& summary, bool json);

/// Prints two runs side by side.
void report_comparison(const evaluate::Comparison& comparison, bool json);

}  // namespace ablaze::cli
