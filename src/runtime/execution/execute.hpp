#pragma once

#include <ablaze/execution.hpp>

#include "runtime/execution/views.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

/// Runs all steps in one region, after filling the program's input from `input` (nullptr: filled already).
/// Items are handed out dynamically; sums do not depend on who takes which. step_ms, if given, receives the
/// milliseconds of each step: from when the last thread was done with the one before to when the last is
/// done.
void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const float* input, const Execution& execution, double* step_ms = nullptr);

/// Runs a delta program.
void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const DeltaInputs& changes, const Execution& execution);

}  // namespace ablaze::runtime
