#pragma once

#include <cstdint>
#include <functional>

namespace ablaze {

/// Called from the calling thread as long work advances, with 0 <= done <= total (units of work,
/// for example ablated channels). Return false to cancel: the call then throws Cancelled.
using Progress = std::function<bool(std::int64_t done, std::int64_t total)>;

}  // namespace ablaze
