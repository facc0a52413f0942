#pragma once

#include <algorithm>
#include <cstdint>

namespace ablaze::image {

/// Rounds and clamps to 0 to 255; NaN becomes 0.
inline std::uint8_t to_byte(float value) {
  const float bounded = value > 0.0F ? std::min(value, 255.0F) : 0.0F;  // NaN fails the comparison
  return static_cast<std::uint8_t>(bounded + 0.5F);  // NOLINT(bugprone-incorrect-roundings): never negative
}

}  // namespace ablaze::image
