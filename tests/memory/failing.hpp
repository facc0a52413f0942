#pragma once

#include <cstdint>

// Memory that runs out on a test's command: the program's malloc and related functions, operator new, mmap
// and pthread_create, also for calls from libraries.

namespace ablaze::testing {

enum class Failing {
  once,    ///< refuses one request: the program's reaction to it succeeds
  onwards  ///< refuses this request and all later ones
};

/// From now on, counts requests from 1 and fails the one with this number.
void fail_request(std::int64_t number, Failing how);

struct Requests {
  std::int64_t made = 0;
  bool refused = false;  ///< whether any request was refused
};
/// Ends the counting and failing.
Requests stop_failing();

/// The number of blocks and mappings that the program has not freed.
std::int64_t live_blocks();

}  // namespace ablaze::testing
