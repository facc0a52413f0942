#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace ablaze::threads {

/// A counter that threads can wait on.
class Signal {
 public:
  unsigned value() const { return value_.load(std::memory_order_acquire); }
  /// Increments the counter and wakes the waiting threads.
  void advance();
  /// Waits until the counter differs from `old`: with `spin`, first busy-waits for a short time, then sleeps.
  void wait(unsigned old, bool spin);

 private:
  alignas(64) std::atomic<unsigned> value_{0};
  std::atomic<int> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable condition_;
};

}  // namespace ablaze::threads
