#include "tensor/half.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

namespace ablaze {
namespace {

/// The standard's definition, in double.
double value_of(std::uint16_t half) {
  const int exponent = (half >> 10) & 31, mantissa = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

bool is_finite(std::uint16_t half) { return ((half >> 10) & 31) != 31; }

TEST_CASE("every half is widened exactly and comes back") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float wide = half_to_float(half);
    if (is_finite(half)) {
      wrong += static_cast<double>(wide) != value_of(half) || float_to_half(wide) != half;
    } else if ((half & 1023) == 0) {
      wrong += !std::isinf(wide) || float_to_half(wide) != half;
    } else {
      wrong += !std::isnan(wide) || !std::isnan(half_to_float(float_to_half(wide)));
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("between two halves the nearer one is taken, in the middle the even one") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const auto low = static_cast<std::uint16_t>(bits), high = static_cast<std::uint16_t>(bits + 1);
    const auto middle = static_cast<float>((value_of(low) + value_of(high)) / 2);
    const std::uint16_t even = (low & 1) == 0 ? low : high;
    wrong += float_to_half(middle) != even;
    wrong += float_to_half(std::nextafter(middle, 0.0F)) != low;
    wrong += float_to_half(std::nextafter(middle, std::numeric_limits<float>::infinity())) != high;
    wrong += float_to_half(-middle) != (even | 0x8000);
  }
  CHECK(wrong == 0);
}

TEST_CASE("what is too large for a half becomes infinite") {
  CHECK(float_to_half(65504) == 0x7BFF);
  CHECK(float_to_half(65519.996F) == 0x7BFF);
  CHECK(float_to_half(65520) == 0x7C00);
  CHECK(float_to_half(-1e30F) == 0xFC00);
  CHECK(float_to_half(1e-30F) == 0);
}

}  // namespace
}  // namespace ablaze
