#include <atomic>
#include <cstddef>
#include <exception>
#include <new>
#include <thread>
#include <utility>

#if __has_include(<pthread.h>)
#include <csignal>
#include <pthread.h>
#endif

#include "threads/backend.hpp"
#include "threads/signal.hpp"
#include "threads/threads.hpp"

// The library's own threads: started when a region first needs them, kept for the next region, asleep in
// between.

namespace ablaze::threads {
namespace {

struct Task {
  Enter enter = nullptr;
  void* context = nullptr;
  int number = 0, count = 1;
  bool spin = false;
};

class Worker {
 public:
  Worker() {
    thread_ = std::thread([this] { work(); });  // after all the members that it uses
  }

  /// For the thread that hired it: hands over a task.
  void begin(const Task& task) {
    task_ = task;
    finished_ = done_.value();
    state_.store(offered);
    start_.advance();
  }
  /// Takes the task back where the worker has not started it; otherwise waits until it is done.
  void finish() {
    if (int expected = offered; !state_.compare_exchange_strong(expected, idle))
      done_.wait(finished_, task_.spin);
  }

  /// Ends the thread of an unhired worker.
  void dismiss() {
    begin({});
    thread_.join();
  }

  Worker* next = nullptr;   ///< in the list of free workers, or of those hired by one thread
  Worker* older = nullptr;  ///< in the list of all workers

 private:
  void work() {
    bool spin = false;
    for (unsigned seen = 0;; ++seen) {
      start_.wait(seen, spin);
      int expected = offered;
      if (!state_.compare_exchange_strong(expected, busy)) continue;  // the task was taken back
      if (task_.enter == nullptr) return;
      spin = task_.spin;
      task_.enter(task_.context, task_.number, task_.count);
      state_.store(idle);
      done_.advance();
    }
  }

  enum State : int { idle, offered, busy };
  std::thread thread_;
  Task task_;
  std::atomic<int> state_{idle};
  unsigned finished_ = 0;
  Signal start_, done_;
};

/// The threads of one process. A child after fork() has a pool of its own and never touches its parent's.
class Pool {
 public:
  /// A list of at most `count` workers; fewer where the system has no more threads or memory.
  Worker* hire(int count) {
    const std::scoped_lock lock(mutex_);
    Worker* hired = nullptr;
    for (int i = 0; i < count; ++i) {
      Worker* worker = free_;
      if (worker != nullptr) {
        free_ = worker->next;
      } else {
        worker = start_worker();
        if (worker == nullptr) break;
        worker->older = std::exchange(newest_, worker);
      }
      worker->next = hired;
      hired = worker;
    }
    return hired;
  }

  void release(Worker* hired) {
    const std::scoped_lock lock(mutex_);
    while (hired != nullptr) {
      Worker* const next = hired->next;
      if (closed_) {
        hired->next = nullptr;  // its thread sleeps until the process ends
      } else {
        hired->next = std::exchange(free_, hired);
      }
      hired = next;
    }
  }

  /// At the end of the process, or when the library is unloaded: ends the free threads.
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    while (free_ != nullptr) {
      Worker* const worker = std::exchange(free_, free_->next);
      worker->dismiss();
    }
  }

  std::mutex& mutex() { return mutex_; }
  Worker* newest() const { return newest_; }

 private:
  static Worker* start_worker() {
#if __has_include(<pthread.h>)
    // Signals are left to the threads that the program started.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
    Worker* worker = nullptr;
    try {
      worker = new Worker;
    } catch (const std::exception&) {  // std::system_error or std::bad_alloc: continue with fewer workers
    }
#if __has_include(<pthread.h>)
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
#endif
    return worker;
  }

  std::mutex mutex_;
  Worker* free_ = nullptr;    // the latest first: its caches are warm
  Worker* newest_ = nullptr;  // of all workers: never freed, and reachable for leak checkers
  bool closed_ = false;
};

// Never destroyed: threads may outlive the destruction of static objects. A child after fork() builds a new
// pool in the same memory; its parent's workers, whose threads the child does not have, are left alone.
alignas(Pool) std::byte pool_memory[sizeof(Pool)];
Pool* pool = nullptr;
[[maybe_unused]] Worker* inherited = nullptr;

#if __has_include(<pthread.h>)
void before_fork() { pool->mutex().lock(); }
void after_fork_in_parent() { pool->mutex().unlock(); }
void after_fork_in_child() {
  inherited = pool->newest();
  pool = new (pool_memory) Pool;
  forget_members();
}
#endif

struct Opened {
  Opened() {
    pool = new (pool_memory) Pool;
#if __has_include(<pthread.h>)
    ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
#endif
  }
  ~Opened() { pool->close(); }
};

Pool& the_pool() {
  static Opened opened;
  return *pool;
}

}  // namespace

std::string_view backend() { return "std::thread"; }

void enter_together(int most, bool spin, Enter enter, void* context) {
  Pool& workers = the_pool();
  Worker* const hired = workers.hire(most - 1);
  int count = 1;
  for (const Worker* worker = hired; worker != nullptr; worker = worker->next) ++count;
  int number = 1;
  for (Worker* worker = hired; worker != nullptr; worker = worker->next)
    worker->begin({enter, context, number++, count, spin});
  enter(context, 0, count);
  for (Worker* worker = hired; worker != nullptr; worker = worker->next) worker->finish();
  workers.release(hired);
}

}  // namespace ablaze::threads
