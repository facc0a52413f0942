#include <omp.h>

#include <ablaze/session.hpp>
#include <algorithm>
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

}  // namespace

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
