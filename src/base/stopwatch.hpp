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

/// Seconds of CPU time of the calling thread; where the system does not report it, wall-clock seconds.
double thread_seconds();

}  // namespace ablaze::base
