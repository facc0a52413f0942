#pragma once

#include <atomic>
#include <memory>

#include "runtime/program.hpp"

namespace ablaze::runtime {

/// The memory that a program works on.
struct Memory {
  float* own = nullptr;          ///< Program::arena_floats
  const float* whole = nullptr;  ///< a tail's: the arena of the whole network's trace
};

/// One counter a phase of each step, from which the threads take their items. Allocated once with the memory.
class Counters {
 public:
  explicit Counters(const Program& program) {
    for (const Step& step : program.steps) phases_ += static_cast<std::size_t>(step.phases);
    next_ = std::make_unique<Counter[]>(phases_);
  }
  void reset() {
    for (std::size_t i = 0; i < phases_; ++i) next_[i].value.store(0, std::memory_order_relaxed);
  }
  int take(std::size_t phase) { return next_[phase].value.fetch_add(1, std::memory_order_relaxed); }

 private:
  struct alignas(64) Counter {
    std::atomic<int> value{0};
  };
  std::unique_ptr<Counter[]> next_;
  std::size_t phases_ = 0;
};

/// Where a value is read or written.
kernels::Input read_view(const Value& value, const Memory& memory);
kernels::Output write_view(const Value& value, const Memory& memory);

/// Copies a row-major [N, C, H, W] (or [N, K]) array into a value, and out of one.
void write_value(const Value& value, const Memory& memory, const float* from);
void read_value(const Value& value, const Memory& memory, float* to);

/// Runs all steps in one parallel region, after filling the program's input from `input` (nullptr: filled
/// already). Items are handed out dynamically; sums do not depend on who takes which. step_ms, if given,
/// receives the milliseconds of each step.
void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const float* input, int threads, Counters& counters,
             double* step_ms = nullptr);

}  // namespace ablaze::runtime
