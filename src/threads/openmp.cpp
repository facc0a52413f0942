#include <atomic>
#include <omp.h>

#if __has_include(<pthread.h>)
#include <pthread.h>
#endif

#include "threads/backend.hpp"
#include "threads/threads.hpp"

// OpenMP's threads. Its library, configured by the environment, decides how they wait for the next region;
// Team implements the barriers within a region.

namespace ablaze::threads {
namespace {

/// libgomp would wait forever for threads that fork() has not copied: a child works alone.
std::atomic<bool> in_child{false};

#if __has_include(<pthread.h>)
void after_fork() {
  in_child.store(true);
  forget_members();
}
const int registered = ::pthread_atfork(nullptr, nullptr, after_fork);
#endif

}  // namespace

std::string_view backend() { return "OpenMP"; }

void enter_together(int most, bool /*spin*/, Enter enter, void* context) {
  if (in_child.load()) return enter(context, 0, 1);
#pragma omp parallel num_threads(most)
  enter(context, omp_get_thread_num(), omp_get_num_threads());
}

}  // namespace ablaze::threads
