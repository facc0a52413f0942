#include "runtime/execution/execute.hpp"

#include <omp.h>

#include <algorithm>

#include "runtime/execution/binding.hpp"

namespace ablaze::runtime {

namespace {

/// What one thread does of a run.
struct Worker {
  const Program& program;
  const Graph& graph;
  const kernels::KernelTable& table;
  const Memory& memory;
  const Changes& changes;
  int threads;
  Shares& shares;
  double* step_ms;  ///< as the first thread sees them; nullptr: nobody asks
  int thread = omp_get_thread_num();
  std::size_t phase = 0;

  /// Calls work(item) for the items that this thread gets of a phase, and waits for the others.
  template <class Work>
  void share(int items, Work work) {
    for (int item; (item = shares.take(phase, thread, items)) >= 0;) work(item);
#pragma omp barrier
    shares.end(phase, thread);
    ++phase;
  }

  template <class Work>
  void timed(std::size_t step, Work work) {
    if (step_ms == nullptr || thread != 0) return work();
    const double start = omp_get_wtime();
    work();
    step_ms[step] += (omp_get_wtime() - start) * 1e3;
  }

  /// All leading steps of one image, by this thread alone.
  void lead(int image) {
    for (std::size_t s = 0; s < program.leading_steps; ++s) {
      timed(s, [&] {
        const StepBinding step(program, graph, program.steps[s], memory, changes, 1, {image, thread});
        for (int p = 0; p < program.steps[s].phases; ++p) {
          for (int item = 0; item < step.items(p); ++item) step.run(table, p, item, 0);
        }
      });
    }
  }

  void run(int batch) {
    if (program.leading_steps > 0) share(batch, [&](int image) { lead(image); });
    for (std::size_t s = program.leading_steps; s < program.steps.size(); ++s) {
      timed(s, [&] {
        const StepBinding step(program, graph, program.steps[s], memory, changes, threads);
        for (int p = 0; p < program.steps[s].phases; ++p)
          share(step.items(p), [&](int item) { step.run(table, p, item, thread); });
      });
    }
  }
};

void run_steps(const Program& program, const Graph& graph, const kernels::KernelTable& table,
               const Memory& memory, const Changes& changes, const float* input, int threads, Shares& shares,
               double* step_ms) {
  if (step_ms != nullptr) std::fill_n(step_ms, program.steps.size(), 0.0);
#pragma omp parallel num_threads(threads)
  {
#pragma omp single
    shares.begin(omp_get_num_threads());
    if (input != nullptr) {
      const Value& value = program.values[static_cast<std::size_t>(program.input)];
#pragma omp for schedule(static)
      for (int item = 0; item < write_items(value); ++item) write_item(value, memory, input, item);
    }
    const int batch =
        program.leading_steps > 0 ? program.values[static_cast<std::size_t>(program.input)].extent.batch : 0;
    Worker{program, graph, table, memory, changes, threads, shares, step_ms}.run(batch);
  }
}

}  // namespace

void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const float* input, int threads, Shares& shares, double* step_ms) {
  run_steps(program, graph, table, memory, {}, input, threads, shares, step_ms);
}

void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const Changes& changes, int threads, Shares& shares, double* step_ms) {
  run_steps(program, graph, table, memory, changes, nullptr, threads, shares, step_ms);
}

}  // namespace ablaze::runtime
