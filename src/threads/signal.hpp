#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace ablaze::threads {

/// A number that counts up, and that threads wait for.
class Signal {
 public:
  unsigned value() const { return value_.load(std::memory_order_acquire); }
  /// Counts up by one and wakes those who wait.
  void advance();
  /// Waits until the number is no longer `old`: where `spin` is set, a short time on the core, then asleep.
  void wait(unsigned old, bool spin);

 private:
  alignas(64) std::atomic<unsigned> value_{0};
  std::atomic<int> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable condition_;
};

}  // namespace ablaze::threads
