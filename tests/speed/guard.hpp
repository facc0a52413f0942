#pragma once

// Speed guards that are independent of the processor and its load: they compare no absolute times, only the
// ratio of two alternating, similar computations on one core. Each guard can be shown to fail: with
// ABLAZE_PROVE_GUARDS in the environment, as in tools/check --long, twice the work must be too slow.
// Otherwise that is reported, not checked: on a processor with a layer faster relative to its yardstick than
// on any known one, the check would fail because of that speed.

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

/// This thread's processor time, which excludes other processes on its core.
inline double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// The minimum of the measured times: disturbances (a shared cache, a hypervisor) only add time.
class Least {
 public:
  void see(double seconds) { least_ = std::min(least_, seconds); }
  double seconds() const { return least_; }

 private:
  double least_ = std::numeric_limits<double>::infinity();
};

/// Whether the bounds were measured on this kind of processor: AMD's Zen 5. On others, bounds are 1.5 times
/// as large, because a different ratio is no fault there.
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

/// Checks that work() takes at most `bound` times the seconds of yardstick(); to prove a guard, also that
/// twice the work takes more. All three functions return their time in seconds. Repeats until both hold,
/// since other processes may disturb some rounds.
template <class Work, class Twice, class Yardstick>
void check_ratio(const std::string& what, double bound, Work work, Twice twice, Yardstick yardstick) {
  constexpr int kLeastTurns = 7, kMostTurns = 200;
  if (!known_processor()) bound *= 1.5;
  Least one, two, yard;
  for (int turn = 0; turn < kMostTurns; ++turn) {
    one.see(work());
    yard.see(yardstick());
    two.see(twice());
    yard.see(yardstick());  // so that the work after it starts with these caches
    const double most = bound * yard.seconds();
    if (turn + 1 >= kLeastTurns && one.seconds() <= most) break;
  }
  const double ratio = one.seconds() / yard.seconds(), doubled = two.seconds() / yard.seconds();
  MESSAGE(what << ": " << ratio << " of its yardstick, at most " << bound << "; done twice " << doubled);
  CHECK(ratio <= bound);
  if (std::getenv("ABLAZE_PROVE_GUARDS") != nullptr) CHECK(doubled > bound);
}

/// The same for single-threaded code: repeats work() and yardstick() for about a millisecond, short compared
/// to a scheduler's time slice.
template <class Work, class Yardstick>
void check_speed(const std::string& what, double bound, Work&& work, Yardstick&& yardstick) {
  const auto seconds_of = [](int repeats, auto&& action) {
    const double start = thread_seconds();
    for (int i = 0; i < repeats; ++i) action();
    return thread_seconds() - start;
  };
  work();
  yardstick();  // touches memory and loads the code
  const int repeats = std::clamp(static_cast<int>(1e-3 / seconds_of(1, yardstick)), 1, 1000);
  check_ratio(
      what, bound, [&] { return seconds_of(repeats, work); }, [&] { return seconds_of(2 * repeats, work); },
      [&] { return seconds_of(repeats, yardstick); });
}

}  // namespace ablaze::testing
