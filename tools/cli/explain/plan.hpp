#pragma once

#include "cli/explain/run.hpp"

namespace ablaze::cli {

/// Prints how each input's channels would be ablated and what that would cost, once for each size of input;
/// explains nothing. Returns a Status.
int run_plan(const ExplainTask& task);

}  // namespace ablaze::cli
