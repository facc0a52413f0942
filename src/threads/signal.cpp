#include "threads/signal.hpp"

#include <chrono>

namespace ablaze::threads {
namespace {

// Long enough for threads that finish a step together, short enough to cost other programs nothing: falling
// asleep and waking up takes about as long.
constexpr auto kSpin = std::chrono::microseconds(20);
constexpr int kLooksPerClock = 32;

/// Tells the core that its thread is waiting, where an instruction for it exists.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ __volatile__("yield");
#endif
}

}  // namespace

// The writer increments the counter before it reads sleepers_; the waiter increments sleepers_ before it
// reads the counter again. In a single total order one of the two sees the other. Hence only sequentially
// consistent accesses.

void Signal::advance() {
  value_.fetch_add(1);
  if (sleepers_.load() == 0) return;
  { const std::scoped_lock lock(mutex_); }  // a counted waiter is asleep by then
  condition_.notify_all();
}

void Signal::wait(unsigned old, bool spin) {
  if (spin) {
    const auto end = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int i = 0; i < kLooksPerClock; ++i) {
        if (value() != old) return;
        relax();
      }
    } while (std::chrono::steady_clock::now() < end);
  }
  std::unique_lock lock(mutex_);
  sleepers_.fetch_add(1);
  while (value_.load() == old) condition_.wait(lock);
  sleepers_.fetch_sub(1);
}

}  // namespace ablaze::threads
