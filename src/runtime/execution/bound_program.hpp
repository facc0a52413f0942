#pragma once

#include <vector>

#include <ablaze/execution.hpp>

#include "runtime/execution/step_binding.hpp"
#include "runtime/execution/views.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

/// A program bound to memory. The constructor binds the views of all steps; every run uses them. Can run
/// repeatedly; not for concurrent use.
class BoundProgram {
 public:
  /// program, table and execution must outlive this. execution: with threads resolved. deltas: only for a
  /// delta program.
  BoundProgram(const Program& program, const kernels::KernelTable& table, const Execution& execution,
               const Memory& memory, const DeltaInputs& deltas = {});
  BoundProgram(const BoundProgram&) = delete;
  BoundProgram& operator=(const BoundProgram&) = delete;

  /// Writes `input`, row-major, to the program's input (nullptr: already written), and runs all steps in one
  /// region of threads. Items are scheduled dynamically; sums do not depend on the schedule. step_ms, if
  /// given, receives the milliseconds of each step, from the end of the previous step on the last thread to
  /// the end of this one.
  void run(const float* input, double* step_ms = nullptr);

 private:
  class StepTimes;
  struct Worker;

  const Program& program_;
  const kernels::KernelTable& table_;
  const Execution& execution_;
  Memory memory_;
  DeltaInputs deltas_;
  std::vector<StepBinding> steps_;  // without the leading steps, which are bound for each image
};

}  // namespace ablaze::runtime
