#include "runtime/execution/execute.hpp"

#include <omp.h>

#include "runtime/execution/binding.hpp"

namespace ablaze::runtime {

namespace {

void run_steps(const Program& program, const Graph& graph, const kernels::KernelTable& table,
               const Memory& memory, const Changes& changes, const float* input, int threads, Shares& shares,
               double* step_ms) {
  double start = 0;
#pragma omp parallel num_threads(threads)
  {
#pragma omp single
    shares.begin(omp_get_num_threads());
    if (input != nullptr) {
      const Value& value = program.values[static_cast<std::size_t>(program.input)];
#pragma omp for schedule(static)
      for (int item = 0; item < write_items(value); ++item) write_item(value, memory, input, item);
    }
    std::size_t phases = 0;
    const int thread = omp_get_thread_num();
    for (std::size_t s = 0; s < program.steps.size(); ++s) {
      if (step_ms != nullptr) {
#pragma omp master
        start = omp_get_wtime();
      }
      const StepBinding step(program, graph, program.steps[s], memory, changes, threads);
      for (int phase = 0; phase < program.steps[s].phases; ++phase, ++phases) {
        const int items = step.items(phase);
        for (int item; (item = shares.take(phases, thread, items)) >= 0;)
          step.run(table, phase, item, thread);
#pragma omp barrier
        shares.end(phases, thread);
      }
      if (step_ms != nullptr) {
#pragma omp master
        step_ms[s] = (omp_get_wtime() - start) * 1e3;
      }
    }
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
