#pragma once

#include "runtime/execution/shares.hpp"
#include "runtime/execution/views.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

/// Runs all steps in one parallel region, after filling the program's input from `input` (nullptr: filled
/// already). Items are handed out dynamically; sums do not depend on who takes which. step_ms, if given,
/// receives the milliseconds of each step.
void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const float* input, int threads, Shares& shares,
             double* step_ms = nullptr);

/// Runs a delta program.
void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const Changes& changes, int threads, Shares& shares,
             double* step_ms = nullptr);

}  // namespace ablaze::runtime
