#include "runtime/execution/bound_program.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "base/stopwatch.hpp"
#include "threads/threads.hpp"

namespace ablaze::runtime {

/// The milliseconds of each step.
class BoundProgram::StepTimes {
 public:
  explicit StepTimes(std::span<double> times) : times_(times) { std::ranges::fill(times_, 0.0); }

  /// Called by the last thread to finish the loop before the first step (begin) or a step (end).
  void begin() { last_ = watch_.milliseconds(); }
  void end(std::size_t step) {
    const double now = watch_.milliseconds();
    times_[step] += now - std::exchange(last_, now);
  }

  /// Adds one image's time in a leading step, which `threads` threads run concurrently on different images.
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

/// One thread's part of a run.
struct BoundProgram::Worker {
  BoundProgram& bound;
  const float* input;
  StepTimes* times;  ///< nullptr: not measured
  const threads::Member& member;
  threads::SharedLoops loops{member};

  /// Runs all leading steps for one image on this thread. Their views depend on the image and the thread.
  void lead(int image) {
    const Program& program = bound.program_;
    for (std::size_t s = 0; s < program.leading_steps; ++s) {
      const double begin = times == nullptr ? 0 : times->now();
      StepBinding step(program, program.steps[s], bound.memory_, bound.deltas_, 1, {image, member.number()});
      for (int p = 0; p < program.steps[s].phases; ++p) {
        for (int item = 0; item < step.items(p); ++item) step.run(bound.table_, p, item, 0);
      }
      if (times != nullptr) times->add(s, times->now() - begin, member.count());
    }
  }

  void run() {
    const Program& program = bound.program_;
    const auto begin = [&] {
      if (times != nullptr) times->begin();
    };
    if (input != nullptr) {
      const Value& in = program.value(program.input);
      loops.run(
          write_items(in), [&](int item) { write_item(in, bound.memory_, input, item); }, begin);
    } else {
      loops.run(
          1, [](int) {}, begin);
    }
    if (program.leading_steps > 0) {
      const int batch = program.value(program.input).extent.batch;
      loops.run(
          batch, [&](int image) { lead(image); }, begin);
    }
    for (std::size_t s = program.leading_steps; s < program.steps.size(); ++s) {
      StepBinding& step = bound.steps_[s - program.leading_steps];
      for (int p = 0; p < program.steps[s].phases; ++p) {
        loops.run(
            step.items(p), [&](int item) { step.run(bound.table_, p, item, member.number()); },
            [&] {
              if (times != nullptr) times->end(s);
            });
      }
    }
  }
};

BoundProgram::BoundProgram(const Program& program, const kernels::KernelTable& table,
                           const Execution& execution, const Memory& memory, const DeltaInputs& deltas)
    : program_(program), table_(table), execution_(execution), memory_(memory), deltas_(deltas) {
  steps_.reserve(program.steps.size() - program.leading_steps);
  for (std::size_t s = program.leading_steps; s < program.steps.size(); ++s)
    steps_.emplace_back(program, program.steps[s], memory_, deltas_, execution.threads);
}

void BoundProgram::run(const float* input, double* step_ms) {
  std::optional<StepTimes> times;
  if (step_ms != nullptr) times.emplace(std::span(step_ms, program_.steps.size()));
  threads::run(execution_, [&](const threads::Member& member) {
    Worker{*this, input, times ? &*times : nullptr, member}.run();
  });
}

}  // namespace ablaze::runtime
