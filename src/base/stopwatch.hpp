#pragma once

#include <chrono>

namespace ablaze::base {

/// Time since construction.
class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Seconds for which the calling thread has had a core; where the system does not tell, seconds of time.
double thread_seconds();

}  // namespace ablaze::base
