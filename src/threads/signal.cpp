#include "threads/signal.hpp"

#include <chrono>

namespace ablaze::threads {
namespace {

// Long enough for threads that finish a step together, short enough to cost a neighbour nothing: to sleep and
// to be woken takes about as long.
constexpr auto kSpin = std::chrono::microseconds(20);
constexpr int kLooksPerClock = 32;

/// Tells the core that its thread waits, where there is an instruction for it.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ __volatile__("yield");
#endif
}

}  // namespace

// The number is raised before sleepers_ is read, and sleepers_ before the number is read again: in the one
// order that all threads agree on, one of the two sees the other. Hence no memory order but the strictest.

void Signal::advance() {
  value_.fetch_add(1);
  if (sleepers_.load() == 0) return;
  { const std::scoped_lock lock(mutex_); }  // who has counted himself is asleep by then
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
