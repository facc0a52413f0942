#include "threads/shortage.hpp"

#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <pthread.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ABLAZE_THREAD_SANITIZER
#endif
#endif

#ifdef ABLAZE_THREAD_SANITIZER

namespace ablaze::testing {

bool refuse_threads(bool /*refuse*/) { return false; }

}  // namespace ablaze::testing

#else

namespace {

std::atomic<bool> refused{false};

using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);

}  // namespace

namespace ablaze::testing {

bool refuse_threads(bool refuse) {
  refused = refuse;
  return true;
}

}  // namespace ablaze::testing

/// Replaces the C library's, also for the C++ library's std::thread.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                              void* argument) {
  static const auto real = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  return refused ? EAGAIN : real(thread, attributes, start, argument);
}

#endif
