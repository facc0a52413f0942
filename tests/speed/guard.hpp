#pragma once

// Guards of speed that hold on any processor, however busy: no time is judged, only the ratio of two times
// that the same core takes for two like things in turns. Each guard can be seen to fail: with
// ABLAZE_PROVE_GUARDS in the environment, as in tools/check --long, the work done twice must be too slow.
// Elsewhere that is told, not checked: on a processor where a layer is faster beside its yardstick than on
// any known one, it would fail for being fast.

#include <doctest/doctest.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>

namespace ablaze::testing {

/// Processor time of this thread: what others do on its core does not count.
inline double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// The least of what was seen: what disturbs (a shared cache, a hypervisor) only ever adds.
class Least {
 public:
  void see(double seconds) { least_ = std::min(least_, seconds); }
  double seconds() const { return least_; }

 private:
  double least_ = std::numeric_limits<double>::infinity();
};

/// Whether the bounds were measured on this kind of processor: AMD's Zen 5. Another may do otherwise without
/// anything being wrong, and is granted half as much again.
inline bool known_processor() {
#if defined(__x86_64__)
  unsigned family = 0, vendor = 0, ignored = 0;
  if (__get_cpuid(0, &ignored, &vendor, &ignored, &ignored) == 0 || vendor != signature_AMD_ebx) return false;
  if (__get_cpuid(1, &family, &ignored, &ignored, &ignored) == 0) return false;
  return ((family >> 8) & 0xF) + ((family >> 20) & 0xFF) == 0x1A;
#else
  return false;
#endif
}

/// Checks that work() takes at most `bound` times the seconds of yardstick(); where it is to be proved, also
/// that work done twice takes more. All three return the seconds that they took. Turns are taken until both
/// hold, since a neighbour may spoil some.
template <class Work, class Twice, class Yardstick>
void check_ratio(const std::string& what, double bound, Work work, Twice twice, Yardstick yardstick) {
  constexpr int kLeastTurns = 7, kMostTurns = 200;
  if (!known_processor()) bound *= 1.5;
  Least one, two, yard;
  for (int turn = 0; turn < kMostTurns; ++turn) {
    one.see(work());
    yard.see(yardstick());
    two.see(twice());
    yard.see(yardstick());  // so that what follows it finds its caches, and not its own
    const double most = bound * yard.seconds();
    if (turn + 1 >= kLeastTurns && one.seconds() <= most) break;
  }
  const double ratio = one.seconds() / yard.seconds(), doubled = two.seconds() / yard.seconds();
  MESSAGE(what << ": " << ratio << " of its yardstick, at most " << bound << "; done twice " << doubled);
  CHECK(ratio <= bound);
  if (std::getenv("ABLAZE_PROVE_GUARDS") != nullptr) CHECK(doubled > bound);
}

/// The same for what one thread does: work() and yardstick() are repeated for about a millisecond, short
/// beside what a scheduler grants.
template <class Work, class Yardstick>
void check_speed(const std::string& what, double bound, Work&& work, Yardstick&& yardstick) {
  const auto seconds_of = [](int repeats, auto&& action) {
    const double start = thread_seconds();
    for (int i = 0; i < repeats; ++i) action();
    return thread_seconds() - start;
  };
  work();
  yardstick();  // memory is touched, code is there
  const int repeats = std::clamp(static_cast<int>(1e-3 / seconds_of(1, yardstick)), 1, 1000);
  check_ratio(
      what, bound, [&] { return seconds_of(repeats, work); }, [&] { return seconds_of(2 * repeats, work); },
      [&] { return seconds_of(repeats, yardstick); });
}

}  // namespace ablaze::testing
