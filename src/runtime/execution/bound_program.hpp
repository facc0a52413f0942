#pragma once

#include <vector>

#include <ablaze/execution.hpp>

#include "runtime/execution/step_binding.hpp"
#include "runtime/execution/views.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

/// A program bound to the memory that it works on: the views of its steps are made once, here, and every run
/// uses them. May run again and again; not for concurrent use.
class BoundProgram {
 public:
  /// All but `memory` and `deltas` must outlive this. execution: with threads resolved. deltas: of a delta
  /// program.
  BoundProgram(const Program& program, const kernels::KernelTable& table, const Execution& execution,
               const Memory& memory, const DeltaInputs& deltas = {});
  BoundProgram(const BoundProgram&) = delete;
  BoundProgram& operator=(const BoundProgram&) = delete;

  /// Runs all steps in one region of threads, after filling the program's input from `input`, row-major
  /// (nullptr: filled already). Items are handed out dynamically; sums do not depend on which thread takes
  /// which item. step_ms, if given, receives the milliseconds of each step: from when the last thread was
  /// done with the step before to when the last is done with this one.
  void run(const float* input, double* step_ms = nullptr);

 private:
  class StepTimes;
  struct Worker;

  const Program& program_;
  const kernels::KernelTable& table_;
  const Execution& execution_;
  Memory memory_;
  DeltaInputs deltas_;
  std::vector<StepBinding> steps_;  // those behind the leading ones, which are bound for each image
};

}  // namespace ablaze::runtime
