#include "runtime/execution/execute.hpp"

#include <algorithm>
#include <mutex>
#include <span>
#include <utility>

#include "base/stopwatch.hpp"
#include "runtime/execution/binding.hpp"
#include "threads/threads.hpp"

namespace ablaze::runtime {

namespace {

/// Milliseconds of steps.
class StepTimes {
 public:
  explicit StepTimes(std::span<double> times) : times_(times) { std::ranges::fill(times_, 0.0); }

  /// By the last thread that is done with a step, or with what came before the first.
  void begin() { last_ = watch_.milliseconds(); }
  void end(std::size_t step) {
    const double now = watch_.milliseconds();
    times_[step] += now - std::exchange(last_, now);
  }

  /// A leading step, which one of `threads` threads has done for one image beside the others.
  void add(std::size_t step, double milliseconds, int threads) {
    const std::scoped_lock lock(mutex_);
    times_[step] += milliseconds / threads;
  }
  double now() const { return watch_.milliseconds(); }

 private:
  std::span<double> times_;
  base::Stopwatch watch_;
  double last_ = 0;
  std::mutex mutex_;
};

/// What one thread does of a run.
struct Worker {
  const Program& program;
  const Graph& graph;
  const kernels::KernelTable& table;
  const Memory& memory;
  const DeltaInputs& changes;
  int parts;  ///< threads that the steps are cut for; there may be fewer
  const float* input;
  StepTimes* times;  ///< nullptr: nobody asks
  const threads::Member& member;
  threads::SharedLoops loops{member};

  /// All leading steps of one image, by this thread alone.
  void lead(int image) {
    for (std::size_t s = 0; s < program.leading_steps; ++s) {
      const double begin = times == nullptr ? 0 : times->now();
      StepBinding step(program, graph, program.steps[s], memory, changes, 1, {image, member.number()});
      for (int p = 0; p < program.steps[s].phases; ++p) {
        for (int item = 0; item < step.items(p); ++item) step.run(table, p, item, 0);
      }
      if (times != nullptr) times->add(s, times->now() - begin, member.count());
    }
  }

  void run() {
    const auto begin = [&] {
      if (times != nullptr) times->begin();
    };
    if (input != nullptr) {
      const Value& in = program.values[program.input];
      loops.run(
          static_cast<int>(write_items(in)), [&](int item) { write_item(in, memory, input, item); }, begin);
    } else {
      loops.run(
          1, [](int) {}, begin);
    }
    if (program.leading_steps > 0) {
      const int batch = program.values[program.input].extent.batch;
      loops.run(
          batch, [&](int image) { lead(image); }, begin);
    }
    for (std::size_t s = program.leading_steps; s < program.steps.size(); ++s) {
      StepBinding step(program, graph, program.steps[s], memory, changes, parts);
      for (int p = 0; p < program.steps[s].phases; ++p) {
        loops.run(
            step.items(p), [&](int item) { step.run(table, p, item, member.number()); },
            [&] {
              if (times != nullptr) times->end(s);
            });
      }
    }
  }
};

void run_steps(const Program& program, const Graph& graph, const kernels::KernelTable& table,
               const Memory& memory, const DeltaInputs& changes, const float* input,
               const Execution& execution, StepTimes* times) {
  threads::run(execution, [&](const threads::Member& member) {
    Worker{program, graph, table, memory, changes, execution.threads, input, times, member}.run();
  });
}

}  // namespace

void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const float* input, const Execution& execution, double* step_ms) {
  if (step_ms == nullptr) return run_steps(program, graph, table, memory, {}, input, execution, nullptr);
  StepTimes times({step_ms, program.steps.size()});
  run_steps(program, graph, table, memory, {}, input, execution, &times);
}

void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const DeltaInputs& changes, const Execution& execution) {
  run_steps(program, graph, table, memory, changes, nullptr, execution, nullptr);
}

}  // namespace ablaze::runtime
