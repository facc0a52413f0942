#pragma once

// Threads, behind one header. README.md describes the three backends.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <ablaze/execution.hpp>

namespace ablaze::threads {

/// The backend chosen at build time: "std::thread", "OpenMP" or "none".
std::string_view backend();

/// Threads that this process may run at the same time: the cores of its affinity mask, at most its CPU quota
/// rounded up, at least 1.
int available();

/// The thread count meant by Execution::threads: the value itself, or for 0 the smaller of available() and
/// OMP_NUM_THREADS. Throws UsageError where it is out of range.
int resolve(int threads);

class Team;

/// One of the threads that work on a region together.
class Member {
 public:
  int number() const { return number_; }  ///< 0 <= number() < count(); the caller of run() need not be 0
  int count() const { return count_; }

  /// Waits until all members have called it. Does not return where a member has failed.
  void barrier() const { barrier(nullptr, nullptr); }
  /// The same; the last member to arrive calls last() before any continues.
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

/// Loops shared by the members of a region, one after the other. Each member makes one of these and calls the
/// same loops in the same order. A loop ends when its items are done, not when every member has arrived: a
/// member that has lost its core delays the others only by its current item, and skips the loops that
/// finished meanwhile.
class SharedLoops {
 public:
  explicit SharedLoops(const Member& member) : member_(member) {}

  /// Calls work(i) for 0 <= i < count, each i by one member. Returns when all items are done, with all their
  /// writes visible. The member that finishes the last item calls last() before any continues; without items,
  /// none does. Neighbouring items go to the same member unless a member is late. Does not return where a
  /// member has failed.
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

/// Runs a region: 1 to resolve(execution.threads) members at the same time each call work(member, context)
/// once. A member that has not started when the others are done is not waited for and never starts. (Where
/// every member must take part, they meet at a barrier.) Returns when all started members have ended;
/// rethrows the first exception thrown by a member. Within a region, runs one member, the caller.
void run(const Execution& execution, void (*work)(const Member&, void*), void* context);

template <class Work>
void run(const Execution& execution, Work&& work) {
  using Plain = std::remove_reference_t<Work>;
  run(
      execution, [](const Member& member, void* context) { (*static_cast<Plain*>(context))(member); }, &work);
}

/// Calls body(i) for 0 <= i < count, in pieces of `piece` neighbours, on whichever thread is free.
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
