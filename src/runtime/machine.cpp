#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <vector>

#include <ablaze/session.hpp>

#include "base/stopwatch.hpp"
#include "kernels/kernels.hpp"
#include "threads/threads.hpp"

namespace ablaze {
namespace {

constexpr int kSlices = 12;
constexpr double kSliceSeconds = 4e-3;

/// One slice of the loop on all threads at once.
struct Slice {
  double speed = 0;  ///< operations per second
  double share = 1;  ///< of its core's time that a thread received, the minimum over threads
};

Slice run_slice(const kernels::KernelTable& table, const Execution& execution, long rounds) {
  const base::Stopwatch watch;
  double start = 0, end = 0;
  Slice slice;
  double operations = 0;
  std::mutex mutex;
  threads::run(execution, [&](const threads::Member& member) {
    std::vector<float> sums(kernels::kPeakFloats, 1.0F);
    member.barrier([&] { start = watch.milliseconds(); });
    const base::Stopwatch own;
    const double processor = base::thread_seconds();
    const double done = table.peak_loop(rounds, sums.data());
    const double share = 1e3 * (base::thread_seconds() - processor) / own.milliseconds();
    {
      const std::scoped_lock lock(mutex);
      operations += done;
      slice.share = std::min(slice.share, share);
    }
    member.barrier([&] { end = watch.milliseconds(); });
  });
  slice.speed = 1e3 * operations / std::max(end - start, 1e-6);
  return slice;
}

struct Slices {
  double best = 0;   ///< operations per second
  double share = 1;  ///< mean over slices
  double even = 1;   ///< mean speed of the slices / speed of the best
};

Slices run_slices(const kernels::KernelTable& table, int threads) {
  Execution execution;
  execution.threads = threads::resolve(threads);
  long rounds = 10000;
  std::vector<float> sums(kernels::kPeakFloats, 1.0F);
  const base::Stopwatch once;
  table.peak_loop(rounds, sums.data());
  const double seconds = std::max(1e-3 * once.milliseconds(), 1e-7);
  rounds = std::max(1L, static_cast<long>(static_cast<double>(rounds) * kSliceSeconds / seconds));
  Slices all;
  double speeds = 0, shares = 0;
  for (int i = 0; i < kSlices; ++i) {
    const Slice slice = run_slice(table, execution, rounds);
    all.best = std::max(all.best, slice.speed);
    speeds += slice.speed, shares += slice.share;
  }
  all.share = shares / kSlices;
  all.even = speeds / kSlices / all.best;
  return all;
}

constexpr int kHandoverTries = 20;
constexpr int kHandovers = 100;  // round trips of one try
constexpr double kMostHandoverMilliseconds = 5;

/// Two threads increment the number in turns: the first makes it odd, the second even.
struct Line {
  alignas(64) std::atomic<int> number{0};
  alignas(64) std::atomic<bool> done{false};
};

/// The second thread's loop, until the first thread stops it.
void answer(Line& line) {
  while (!line.done.load(std::memory_order_relaxed)) {
    const int seen = line.number.load(std::memory_order_acquire);
    if (seen % 2 != 0) line.number.store(seen + 1, std::memory_order_release);
  }
}

/// The first thread's loop. Returns the seconds of one handover, the best of a few tries. The time limit
/// bounds the wait if another process occupies the second thread's core.
double ask(Line& line) {
  double best = std::numeric_limits<double>::infinity();
  const base::Stopwatch watch;
  bool late = false;
  for (int attempt = 0; attempt < kHandoverTries && !late; ++attempt) {
    const double start = watch.milliseconds();
    for (int i = 0; i < kHandovers && !late; ++i) {
      const int number = line.number.load(std::memory_order_relaxed);
      line.number.store(number + 1, std::memory_order_release);
      for (int spins = 1; line.number.load(std::memory_order_acquire) != number + 2; ++spins) {
        if (spins % 4096 == 0 && watch.milliseconds() > kMostHandoverMilliseconds) late = true;
        if (late) break;
      }
    }
    if (!late) best = std::min(best, 1e-3 * (watch.milliseconds() - start) / (2 * kHandovers));
  }
  line.done.store(true, std::memory_order_relaxed);
  return best;
}

}  // namespace

double handover_seconds(int threads) {
  Execution execution;
  execution.threads = threads::resolve(threads);
  std::vector<Line> lines(execution.threads);
  double slowest = 0;
  threads::run(execution, [&](const threads::Member& member) {
    for (int other = 1; other < member.count(); ++other) {
      Line& line = lines[other];
      if (member.number() == 0) slowest = std::max(slowest, ask(line));
      if (member.number() == other) answer(line);
      member.barrier();
    }
  });
  return slowest;
}

double peak_operations(Isa isa, int threads) {
  return run_slices(kernels::kernel_table(resolve_isa(isa)), threads).best;
}

double processor_share(int threads) {
  const Slices slices = run_slices(kernels::kernel_table(Isa::baseline), threads);
  return std::min(slices.share, slices.even);
}

}  // namespace ablaze
