#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace ablaze::runtime {

/// Hands out a phase's items. Every thread has a share of neighbouring items, which it takes in order, so
/// that it finds its weights next to those it has just read; who is done takes from the others' shares.
/// Allocated once with the memory.
class Shares {
 public:
  explicit Shares(int threads)
      : next_(std::make_unique<Counter[]>(kSets * static_cast<std::size_t>(threads))) {}

  /// Before a run, by one thread. `threads`: at most the constructor's.
  void begin(int threads) {
    threads_ = threads;
    for (std::size_t set = 0; set < kSets; ++set) {
      for (int thread = 0; thread < threads; ++thread) counter(set, thread) = 0;
    }
  }
  /// The thread's next item of `items`, or -1.
  int take(std::size_t phase, int thread, int items) {
    for (int i = 0; i < threads_; ++i) {
      const std::int64_t owner = (thread + i) % threads_;
      const auto first = static_cast<int>(owner * items / threads_);
      const auto end = static_cast<int>((owner + 1) * items / threads_);
      const int item =
          first + counter(phase, static_cast<int>(owner)).fetch_add(1, std::memory_order_relaxed);
      if (item < end) return item;
    }
    return -1;
  }
  /// By each thread, when all threads are done with the phase.
  void end(std::size_t phase, int thread) { counter(phase, thread).store(0, std::memory_order_relaxed); }

 private:
  /// A set is free again once its phase has ended, and is taken up kSets phases later, by when every thread
  /// knows.
  static constexpr std::size_t kSets = 4;
  struct alignas(64) Counter {
    std::atomic<int> value{0};
  };
  std::atomic<int>& counter(std::size_t phase, int thread) {
    return next_[phase % kSets * static_cast<std::size_t>(threads_) + static_cast<std::size_t>(thread)].value;
  }
  std::unique_ptr<Counter[]> next_;
  int threads_ = 1;
};

}  // namespace ablaze::runtime
