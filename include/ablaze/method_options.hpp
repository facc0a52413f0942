#pragma once

#include <cstdint>

namespace ablaze {

/// What single methods may be told; the others ignore it.
struct MethodOptions {
  std::uint64_t seed = 0;  ///< random: what the random numbers start from
};

}  // namespace ablaze
