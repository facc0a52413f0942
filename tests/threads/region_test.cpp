#include <atomic>
#include <numeric>
#include <signal.h>
#include <stdexcept>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "support/message_of.hpp"
#include "threads/available.hpp"
#include "threads/forked.hpp"
#include "threads/shortage.hpp"
#include "threads/signal.hpp"
#include "threads/threads.hpp"

using namespace ablaze;
using threads::Member;

namespace {

Execution with_threads(int threads) {
  Execution execution;
  execution.threads = threads;
  return execution;
}

bool serial() { return threads::backend() == "none"; }

/// The number of members in a region that all of them join.
int members_of(const Execution& execution) {
  std::atomic<int> members{0}, announced{0};
  threads::run(execution, [&](const Member& member) {
    ++members;
    announced = member.count();
    member.barrier();
  });
  CHECK(members == announced);
  return members;
}

/// The sum of 0 .. count - 1, by all members.
std::int64_t sum_by(const Execution& execution, std::int64_t count) {
  std::atomic<std::int64_t> sum{0};
  threads::for_each(
      execution, count, [&](std::int64_t i) { sum += i; }, 3);
  return sum;
}

/// Numbers that only correct barriers give: each round reads what the neighbour wrote in the previous round.
std::vector<int> relay(const Execution& execution, int rounds) {
  std::vector<int> line(64), next(64);
  threads::run(execution, [&](const Member& member) {
    for (int round = 0; round < rounds; ++round) {
      for (int i = member.number(); i < 64; i += member.count()) next[i] = line[(i + 1) % 64] + i;
      member.barrier([&] { line.swap(next); });
    }
  });
  return line;
}

/// The same with shared loops; the member that ends a loop makes the next line.
std::vector<int> relay_in_loops(const Execution& execution, int rounds) {
  std::vector<int> line(64), next(64);
  threads::run(execution, [&](const Member& member) {
    threads::SharedLoops loops(member);
    for (int round = 0; round < rounds; ++round) {
      loops.run(
          64, [&](int i) { next[i] = line[(i + 1) % 64] + i; }, [&] { line.swap(next); });
    }
  });
  return line;
}

/// A caller's threads, created for each region.
class Fresh : public Executor {
 public:
  explicit Fresh(int most) : most_(most) {}
  int run(int most, const Work& work) override {
    const int members = std::min(most, most_);
    ++regions;
    std::vector<std::thread> threads;
    for (int member = 1; member < members; ++member) threads.emplace_back(work, member, members);
    work(0, members);
    for (std::thread& thread : threads) thread.join();
    return members;
  }
  std::atomic<int> regions{0};

 private:
  int most_;
};

}  // namespace

TEST_CASE("a region has as many members as asked for, each with a number of its own") {
  for (const int threads : {1, 2, 3, 8}) {
    CAPTURE(threads);
    std::vector<std::atomic<int>> seen(threads);
    threads::run(with_threads(threads), [&](const Member& member) {
      member.barrier();
      CHECK(member.count() == (serial() ? 1 : threads));
      ++seen[member.number()];
    });
    for (int i = 0; i < (serial() ? 1 : threads); ++i) CHECK(seen[i] == 1);
  }
  CHECK(members_of(with_threads(0)) == (serial() ? 1 : threads::resolve(0)));
}

TEST_CASE("members wait for each other, and the last one does what is to be done once") {
  const std::vector<int> alone = relay(with_threads(1), 1000);
  for (const int threads : {2, 3, 7}) CHECK(relay(with_threads(threads), 1000) == alone);
}

TEST_CASE("shared loops come one after the other, and each item once") {
  const std::vector<int> alone = relay(with_threads(1), 1000);
  for (const int threads : {1, 2, 3, 7, 20}) CHECK(relay_in_loops(with_threads(threads), 1000) == alone);
  for (const int threads : {1, 2, 20}) {
    for (const int count : {0, 1, 2, 19, 1000}) {
      std::vector<std::atomic<int>> visits(count);
      std::atomic<int> ends{0};
      threads::run(with_threads(threads), [&](const Member& member) {
        threads::SharedLoops loops(member);
        for (int round = 0; round < 3; ++round)
          loops.run(
              count, [&](int i) { ++visits[i]; }, [&] { ++ends; });
      });
      CHECK(std::ranges::all_of(visits, [](const auto& n) { return n == 3; }));
      CHECK(ends == (count == 0 ? 0 : 3));
    }
  }
}

TEST_CASE("a member whose core was taken holds up nobody, and goes on where the others are") {
  for (const int late : {0, 1, 2}) {
    std::vector<int> steps;
    std::atomic<bool> over{false};
    std::atomic<int> visits{0};
    threads::run(with_threads(3), [&](const Member& member) {
      threads::SharedLoops loops(member);
      for (int loop = 0; loop < 100; ++loop) {
        // This member waits in the loop until the others are two loops from the end.
        if (member.count() == 3 && member.number() == late && loop == 7) {
          while (!over) std::this_thread::yield();
        }
        loops.run(
            20, [&](int) { ++visits; },
            [&] {
              steps.push_back(loop);
              over = loop >= 97;
            });
      }
    });
    CHECK(visits == 2000);
    CHECK(std::ranges::is_sorted(steps));
    CHECK(steps.size() == 100);
  }
}

TEST_CASE("every index is visited once") {
  for (const int threads : {1, 2, 5}) {
    for (const int count : {0, 1, 2, 3, 4, 1000}) {
      std::vector<std::atomic<int>> visits(count);
      threads::for_each(with_threads(threads), count, [&](std::int64_t i) { ++visits[i]; });
      CHECK(std::ranges::all_of(visits, [](const auto& n) { return n == 1; }));
      CHECK(sum_by(with_threads(threads), count) == std::int64_t{count} * (count - 1) / 2);
    }
  }
}

TEST_CASE("an exception leaves the region, and those who wait are released") {
  for (const int threads : {1, 2, 4}) {
    CAPTURE(threads);
    for (int thrower = 0; thrower < (serial() ? 1 : threads); ++thrower) {
      const auto fail = [&](bool at_once) {
        threads::run(with_threads(threads), [&](const Member& member) {
          if (!at_once) member.barrier();
          if (member.number() == thrower) throw std::runtime_error("a member's");
          member.barrier();
          member.barrier();
        });
      };
      CHECK_THROWS_WITH_AS(fail(true), "a member's", std::runtime_error);
      CHECK_THROWS_WITH_AS(fail(false), "a member's", std::runtime_error);
      const auto fail_last = [&] {
        threads::run(with_threads(threads),
                     [&](const Member& member) { member.barrier([] { throw std::bad_alloc(); }); });
      };
      CHECK_THROWS_AS(fail_last(), std::bad_alloc);
      for (const bool at_end : {false, true}) {
        const auto fail_in_loop = [&] {
          threads::run(with_threads(threads), [&](const Member& member) {
            threads::SharedLoops loops(member);
            for (int loop = 0; loop < 5; ++loop)
              loops.run(
                  9,
                  [&](int i) {
                    if (!at_end && loop == 3 && i == thrower) throw std::runtime_error("an item's");
                  },
                  [&] {
                    if (at_end && loop == 3) throw std::runtime_error("an item's");
                  });
          });
        };
        CHECK_THROWS_WITH_AS(fail_in_loop(), "an item's", std::runtime_error);
      }
    }
    const auto all_fail = [&] {
      threads::for_each(with_threads(threads), 100, [](std::int64_t) { throw UsageError("everyone's"); });
    };
    CHECK_THROWS_WITH_AS(all_fail(), "everyone's", UsageError);
    CHECK(sum_by(with_threads(threads), 100) == 4950);  // the next region works as usual
  }
}

TEST_CASE("a region within a region is the member's own") {
  std::atomic<int> inner{0};
  threads::run(with_threads(3), [&](const Member& member) {
    member.barrier();
    inner += members_of(with_threads(3));
  });
  CHECK(inner == (serial() ? 1 : 3));
}

TEST_CASE("several callers at once have regions of their own") {
  const std::vector<int> expected = relay(with_threads(1), 300);
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) right += relay(with_threads(3), 300) == expected ? 1 : 0;
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(right == 80);
}

TEST_CASE("after fork() the child goes on, with its parent's threads or without") {
  CHECK(sum_by(with_threads(3), 1000) == 499500);
  for (int i = 0; i < 3; ++i) {
    CHECK(testing::status_of_child([] {
            return sum_by(with_threads(3), 1000) == 499500 &&
                   relay(with_threads(3), 100) == relay(with_threads(1), 100) &&
                   // libgomp's threads are not copied, and it would wait for them
                   (threads::backend() != "OpenMP" || members_of(with_threads(3)) == 1);
          }) == 0);
  }
  // while another thread is at work
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done) relay(with_threads(2), 50);
  });
  for (int i = 0; i < 10; ++i)
    CHECK(testing::status_of_child([] { return sum_by(with_threads(3), 1000) == 499500; }) == 0);
  done = true;
  other.join();
}

TEST_CASE("where no thread can be started, fewer do the work") {
  if (threads::backend() != "std::thread") return;  // libgomp aborts the process there
  const int before = 5;
  CHECK(members_of(with_threads(before)) == before);
  if (!testing::refuse_threads(true)) return;
  // The existing threads continue to work; no new ones start.
  const int members = members_of(with_threads(40));
  CHECK(members >= before);
  CHECK(members < 40);
  CHECK(sum_by(with_threads(40), 1000) == 499500);
  CHECK(testing::status_of_child([] { return members_of(with_threads(40)) == 1; }) == 0);
  testing::refuse_threads(false);
  CHECK(members_of(with_threads(40)) == 40);
}

TEST_CASE("who has not begun when the work is done is not waited for") {
  // Regions so short that their threads arrive late, one after the other: each starts with its own region, or
  // not at all.
  for (int region = 0; region < 3000; ++region) {
    std::atomic<int> begun{0};
    threads::run(with_threads(4), [&, region](const Member& member) {
      begun += region + 1;
      CHECK(member.number() < 4);
    });
    REQUIRE(begun % (region + 1) == 0);
    REQUIRE(begun / (region + 1) <= 4);
  }
}

TEST_CASE("signals are left to the program's own threads") {
  if (threads::backend() != "std::thread") return;
  std::atomic<int> open{0};
  threads::run(with_threads(4), [&](const Member& member) {
    member.barrier();
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    if (member.number() != 0 && sigismember(&blocked, SIGINT) == 0) ++open;
  });
  CHECK(open == 0);
}

TEST_CASE("who waits for long is asleep") {
  // One member keeps a core for long, and the others wait for it. They use little of the processor time,
  // which does not depend on the machine's load.
  const auto seconds_of = [](int who) {
    rusage usage{};
    ::getrusage(who, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  const double begin = seconds_of(RUSAGE_SELF);
  threads::run(with_threads(4), [&](const Member& member) {
    member.barrier();
    if (member.number() == 0) {
      const double start = seconds_of(RUSAGE_THREAD);
      while (seconds_of(RUSAGE_THREAD) - start < 0.3) {
      }
    }
    member.barrier();
  });
  CHECK(seconds_of(RUSAGE_SELF) - begin < 0.3 + 0.1);
}

TEST_CASE("a signal wakes all who wait for it, asleep or not") {
  for (const bool spin : {false, true}) {
    threads::Signal go, ready;
    std::atomic<int> woken{0};
    std::vector<std::thread> waiting;
    for (int i = 0; i < 3; ++i) {
      waiting.emplace_back([&] {
        for (unsigned round = 0; round < 2000; ++round) {
          go.wait(round, spin);
          if (++woken % 3 == 0) ready.advance();
        }
      });
    }
    for (unsigned round = 0; round < 2000; ++round) {
      go.advance();
      ready.wait(round, spin);
    }
    for (std::thread& thread : waiting) thread.join();
    CHECK(woken == 6000);
  }
}

TEST_CASE("a caller's own threads do the work") {
  const auto executor = std::make_shared<Fresh>(3);
  Execution execution = with_threads(8);
  execution.executor = executor;
  CHECK(members_of(execution) == 3);
  CHECK(executor->regions == 1);
  CHECK(relay(execution, 200) == relay(with_threads(1), 200));
  CHECK(relay_in_loops(execution, 200) == relay(with_threads(1), 200));
  const auto fail = [&] { threads::run(execution, [](const Member&) { throw std::bad_alloc(); }); };
  CHECK_THROWS_AS(fail(), std::bad_alloc);
  execution.executor = std::make_shared<Fresh>(1);
  CHECK(sum_by(execution, 1000) == 499500);
}

TEST_CASE("an executor that does not do what it says is told so") {
  struct Idle : Executor {
    int run(int most, const Work&) override { return most; }
  };
  struct Liar : Executor {
    int run(int, const Work& work) override {
      work(0, 1);
      return 2;
    }
  };
  Execution execution = with_threads(2);
  execution.executor = std::make_shared<Idle>();
  CHECK(testing::message_of([&] { sum_by(execution, 10); }) ==
        "expected the executor to run 1 to 2 members; it reported 2 and ran 0");
  execution.executor = std::make_shared<Liar>();
  CHECK(testing::message_of([&] { sum_by(execution, 10); }) ==
        "expected the executor to run 1 to 2 members; it reported 2 and ran 1");
}
