#include <omp.h>

#include <ablaze/session.hpp>
#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "kernels/kernels.hpp"
#include "runtime/compiled_network.hpp"

namespace ablaze {
namespace {

constexpr int kSlices = 12;
constexpr double kSliceSeconds = 4e-3;

/// One slice of the loop on all threads at once: operations a second.
double slice(const kernels::KernelTable& table, int threads, long rounds) {
  double operations = 0, start = 0, seconds = 0;
#pragma omp parallel num_threads(threads) reduction(+ : operations)
  {
    std::vector<float> sums(kernels::kPeakFloats, 1.0F);
#pragma omp barrier
#pragma omp master
    start = omp_get_wtime();
    operations += table.peak_loop(rounds, sums.data());
#pragma omp barrier
#pragma omp master
    seconds = omp_get_wtime() - start;
  }
  return operations / std::max(seconds, 1e-9);
}

constexpr int kHandoverTries = 20;
constexpr int kHandovers = 100;  // of one try, there and back
constexpr double kMostHandoverSeconds = 5e-3;

/// What two threads write in turns: the first makes the number odd, the second even again.
struct Line {
  alignas(64) std::atomic<int> number{0};
  alignas(64) std::atomic<bool> done{false};
};

/// The second thread's part, until the first is satisfied.
void answer(Line& line) {
  while (!line.done.load(std::memory_order_relaxed)) {
    const int seen = line.number.load(std::memory_order_acquire);
    if (seen % 2 != 0) line.number.store(seen + 1, std::memory_order_release);
  }
}

/// The first thread's part: seconds of one way, the best of a few tries. A neighbour that keeps the second
/// thread from its core would make it wait for long, hence the time limit.
double ask(Line& line) {
  double best = std::numeric_limits<double>::infinity();
  const double begin = omp_get_wtime();
  bool late = false;
  for (int attempt = 0; attempt < kHandoverTries && !late; ++attempt) {
    const double start = omp_get_wtime();
    for (int i = 0; i < kHandovers && !late; ++i) {
      const int number = line.number.load(std::memory_order_relaxed);
      line.number.store(number + 1, std::memory_order_release);
      for (int spins = 1; line.number.load(std::memory_order_acquire) != number + 2; ++spins) {
        if (spins % 4096 == 0 && omp_get_wtime() - begin > kMostHandoverSeconds) late = true;
        if (late) break;
      }
    }
    if (!late) best = std::min(best, (omp_get_wtime() - start) / (2 * kHandovers));
  }
  line.done.store(true, std::memory_order_relaxed);
  return best;
}

}  // namespace

double measured_handover(int threads) {
  threads = runtime::resolve_threads(threads);
  std::vector<Line> lines(static_cast<std::size_t>(threads));
  double slowest = 0;
#pragma omp parallel num_threads(threads)
  for (int other = 1; other < omp_get_num_threads(); ++other) {
    Line& line = lines[static_cast<std::size_t>(other)];
    if (omp_get_thread_num() == 0) slowest = std::max(slowest, ask(line));
    if (omp_get_thread_num() == other) answer(line);
#pragma omp barrier
  }
  return slowest;
}

double measured_peak(Isa isa, int threads) {
  const kernels::KernelTable& table = kernels::kernel_table(resolve_isa(isa));
  threads = runtime::resolve_threads(threads);
  long rounds = 10000;
  std::vector<float> sums(kernels::kPeakFloats, 1.0F);
  const double begin = omp_get_wtime();
  table.peak_loop(rounds, sums.data());
  const double once = std::max(omp_get_wtime() - begin, 1e-7);
  rounds = std::max(1L, static_cast<long>(static_cast<double>(rounds) * kSliceSeconds / once));
  double best = 0;
  for (int i = 0; i < kSlices; ++i) best = std::max(best, slice(table, threads, rounds));
  return best;
}

}  // namespace ablaze
