#pragma once

#include <cstdint>

// Memory that ends when a test says so: the program's malloc and its kin, operator new, mmap and
// pthread_create, also where libraries call them.

namespace ablaze::testing {

enum class Failing {
  once,    ///< one request is refused: what a program does for itself then succeeds
  onwards  ///< that one and all behind it
};

/// From here on requests are counted from 1, and the one with this number fails.
void fail_request(std::int64_t number, Failing how);

struct Requests {
  std::int64_t made = 0;
  bool refused = false;  ///< any
};
/// Ends what fail_request began.
Requests stop_failing();

/// How many blocks and mappings there are now that the program has not given back.
std::int64_t live_blocks();

}  // namespace ablaze::testing
