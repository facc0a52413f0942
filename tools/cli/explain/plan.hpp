#pragma once

#include "cli/explain/run.hpp"

namespace ablaze::cli {

/// Prints how each input's channels would be ablated and the cost, once per input size; explains nothing.
/// Returns a Status.
int run_plan(const ExplainTask& task);

}  // namespace ablaze::cli
