#include <array>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <utility>

#include <ablaze/error.hpp>

#include "threads/available.hpp"
#include "threads/backend.hpp"
#include "threads/signal.hpp"
#include "threads/threads.hpp"

namespace ablaze::threads {
namespace {

constexpr int kMostThreads = 1024;

/// Ends a member's part after another one has failed. Never leaves this file.
struct Abandoned {};

/// Members of all running regions.
std::atomic<int> busy_members{0};

thread_local bool in_region = false;

/// The first number in OMP_NUM_THREADS; 0 where there is none.
int threads_in_environment() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  const long number = text == nullptr ? 0 : std::strtol(text, nullptr, 10);
  return number >= 1 && number <= kMostThreads ? static_cast<int>(number) : 0;
}

}  // namespace

int resolve(int threads) {
  if (threads < 0 || threads > kMostThreads) {
    throw UsageError("the number of threads must be between 0 (all cores) and " +
                     std::to_string(kMostThreads));
  }
  if (threads > 0) return threads;
  const int wanted = threads_in_environment();
  return wanted > 0 ? std::min(wanted, available()) : std::min(available(), kMostThreads);
}

/// State shared by the members of one region.
class Team {
 public:
  using Work = void (*)(const Member&, void*);

  Team(int most, Work work, void* context) : most_(most), work_(work), context_(context) {
    // A spinning thread would take the core from a thread that has work.
    const int busy = busy_members.fetch_add(most) + most;
    spin_ = busy <= cores() && busy <= cpu_quota();
  }
  ~Team() { busy_members.fetch_sub(most_); }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  bool spin() const { return spin_; }

  void enter(int number, int count) noexcept {
    const bool outer = std::exchange(in_region, true);
    try {
      work_(Member(*this, number, count), context_);
    } catch (const Abandoned&) {
    } catch (...) {
      fail(std::current_exception());
    }
    in_region = outer;
    entered_.fetch_add(1, std::memory_order_relaxed);
  }

  void barrier(int count, void (*last)(void*), void* context) {
    const unsigned seen = generation_.value();
    if (failed_.load()) throw Abandoned();
    if (arrived_.fetch_add(1) + 1 == count) {
      arrived_.store(0);
      if (last != nullptr) last(context);
      generation_.advance();
    } else {
      generation_.wait(seen, spin_);
    }
    if (failed_.load()) throw Abandoned();
  }

  // Shared loops. Each of a few queues holds a part of the current loop's items. The upper half of a queue's
  // number is the loop's number, so that a late member cannot take an item of a later loop for one of its
  // own.

  int take(unsigned loop, const Member& member, int count) {
    const int queues = std::min(member.count(), kQueues);
    for (int i = 0; i < queues; ++i) {
      const std::int64_t queue = (member.number() + i) % queues;
      const auto first = static_cast<int>(queue * count / queues);
      const auto items = static_cast<unsigned>((queue + 1) * count / queues) - static_cast<unsigned>(first);
      std::atomic<std::uint64_t>& next = queues_[queue].next;
      std::uint64_t seen = next.load(std::memory_order_acquire);
      do {
        if (static_cast<unsigned>(seen >> 32) != loop) return -1;
        if (static_cast<unsigned>(seen) >= items) break;
      } while (!next.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire));
      if (static_cast<unsigned>(seen) < items) return first + static_cast<int>(static_cast<unsigned>(seen));
    }
    return -1;
  }

  /// Whether the loop ends with these items.
  bool is_last(int done, int count) { return done > 0 && done_.fetch_add(done) + done == count; }

  void open_loop(unsigned loop, int members) {
    done_.store(0, std::memory_order_relaxed);
    for (int queue = 0; queue < std::min(members, kQueues); ++queue)
      queues_[queue].next.store(std::uint64_t{loop} << 32, std::memory_order_release);
    loop_.advance();
    if (failed_.load()) throw Abandoned();
  }

  void wait_for_end_of(unsigned loop) {
    if (failed_.load()) throw Abandoned();
    loop_.wait(loop, spin_);
    if (failed_.load()) throw Abandoned();
  }

  /// Members whose part has ended.
  int entered() const { return entered_.load(std::memory_order_relaxed); }

  void rethrow() const {
    if (failure_ != nullptr) std::rethrow_exception(failure_);
  }

 private:
  /// Keeps the first failure; members that wait, or are about to, leave.
  void fail(std::exception_ptr failure) noexcept {
    {
      const std::scoped_lock lock(failure_mutex_);
      if (failure_ == nullptr) failure_ = std::move(failure);
    }
    failed_.store(true);
    generation_.advance();
    loop_.advance();
  }

  int most_;
  Work work_;
  void* context_;
  bool spin_ = false;
  Signal generation_;
  alignas(64) std::atomic<int> arrived_{0};
  struct alignas(64) Queue {
    std::atomic<std::uint64_t> next{0};  ///< the loop, and the number of items taken from the queue
  };
  static constexpr int kQueues = 16;
  std::array<Queue, kQueues> queues_;
  Signal loop_;  ///< the current loop's number
  alignas(64) std::atomic<int> done_{0};
  std::atomic<int> entered_{0};
  std::atomic<bool> failed_{false};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

namespace {

void run_by(Executor& executor, int most, Team& team) {
  const auto enter = [&team](int number, int count) { team.enter(number, count); };
  const int members = executor.run(most, std::cref(enter));  // by reference, so that nothing is allocated
  team.rethrow();
  if (members < 1 || members > most || team.entered() != members) {
    throw Error("expected the executor to run 1 to " + std::to_string(most) + " members; it reported " +
                std::to_string(members) + " and ran " + std::to_string(team.entered()));
  }
}

}  // namespace

void forget_members() { busy_members.store(0); }

void Member::barrier(void (*last)(void*), void* context) const {
  if (count_ > 1) {
    team_.barrier(count_, last, context);
  } else if (last != nullptr) {
    last(context);
  }
}

int SharedLoops::take(int count) { return member_.team_.take(loop_, member_, count); }
bool SharedLoops::is_last(int done, int count) { return member_.team_.is_last(done, count); }
void SharedLoops::open_next() { member_.team_.open_loop(loop_ + 1, member_.count()); }
void SharedLoops::wait() { member_.team_.wait_for_end_of(loop_); }

void run(const Execution& execution, void (*work)(const Member&, void*), void* context) {
  const int most = in_region ? 1 : resolve(execution.threads);
  Team team(most, work, context);
  if (most == 1) {
    team.enter(0, 1);
  } else if (execution.executor != nullptr) {
    return run_by(*execution.executor, most, team);
  } else {
    enter_together(
        most, team.spin(),
        [](void* of, int number, int count) { static_cast<Team*>(of)->enter(number, count); }, &team);
  }
  team.rethrow();
}

}  // namespace ablaze::threads
