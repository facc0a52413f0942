#pragma once

// Threads, behind one header. README.md tells what each of the three ways does that may lie behind it.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <ablaze/execution.hpp>

namespace ablaze::threads {

/// What was chosen when the library was built: "std::thread", "OpenMP" or "none".
std::string_view backend();

/// Threads that this process may run at the same time: the cores of its affinity mask, no more than its CPU
/// quota rounded up, at least 1.
int available();

/// What Execution::threads stands for: itself, or where it is 0 the smaller of available() and
/// OMP_NUM_THREADS. Throws UsageError where it is out of range.
int resolve(int threads);

class Team;

/// One of those who work on a region together, in a thread of its own.
class Member {
 public:
  int number() const { return number_; }  ///< 0 <= number() < count(); the caller of run() need not be 0
  int count() const { return count_; }

  /// Waits until all members have called it. Where one of them has failed, it does not return.
  void barrier() const { barrier(nullptr, nullptr); }
  /// The same; the last one to come calls last() before anyone goes on.
  template <class Last>
  void barrier(Last last) const {
    barrier([](void* context) { (*static_cast<Last*>(context))(); }, &last);
  }

 private:
  friend class Team;
  friend class SharedLoops;
  Member(Team& team, int number, int count) : team_(team), number_(number), count_(count) {}
  void barrier(void (*last)(void*), void* context) const;

  Team& team_;
  int number_, count_;
};

/// Loops that the members of a region share, one after the other. Each member makes one of these and calls
/// the same loops in the same order. A loop is over when its items are done, not when everyone has come: a
/// member whose core somebody else has taken holds up nobody but for the item that it is at, and finds the
/// loops done that it has missed.
class SharedLoops {
 public:
  explicit SharedLoops(const Member& member) : member_(member) {}

  /// Calls work(i) for 0 <= i < count, each i by one member, and returns when all are done, with all that
  /// they wrote. The last to be done calls last() before anyone goes on; where there are no items, nobody
  /// does. Neighbouring items go to the same member where nobody is late. Where a member has failed, it does
  /// not return.
  template <class Work, class Last>
  void run(int count, Work work, Last last) {
    if (count < 1) return;
    if (member_.count() == 1) {
      for (int i = 0; i < count; ++i) work(i);
      return last();
    }
    int done = 0;
    for (int i = 0; (i = take(count)) >= 0; ++done) work(i);
    if (is_last(done, count)) {
      last();
      open_next();
    } else {
      wait();
    }
    ++loop_;
  }

 private:
  int take(int count);
  bool is_last(int done, int count);
  void open_next();
  void wait();

  const Member& member_;
  unsigned loop_ = 0;
};

/// A region: work(member, context) by 1 to resolve(execution.threads) members at the same time, each of which
/// calls it once; but a member that has not begun when the others are done is not waited for and never
/// begins. (Where that may not be, the members meet at a barrier.) Returns when all who began have ended; an
/// exception that a member threw is thrown again here, the first of several. Within a region it is one
/// member, the caller.
void run(const Execution& execution, void (*work)(const Member&, void*), void* context);

template <class Work>
void run(const Execution& execution, Work&& work) {
  using Plain = std::remove_reference_t<Work>;
  run(
      execution, [](const Member& member, void* context) { (*static_cast<Plain*>(context))(member); }, &work);
}

/// Calls body(i) for 0 <= i < count, `piece` neighbours at a time, by whoever is free.
template <class Body>
void for_each(const Execution& execution, std::int64_t count, Body body, std::int64_t piece = 1) {
  if (count <= piece || execution.threads == 1) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<std::int64_t> next{0};
  run(execution, [&](const Member&) {
    for (std::int64_t begin; (begin = next.fetch_add(piece, std::memory_order_relaxed)) < count;) {
      for (std::int64_t i = begin; i < std::min(begin + piece, count); ++i) body(i);
    }
  });
}

}  // namespace ablaze::threads
