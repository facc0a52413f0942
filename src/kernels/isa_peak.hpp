// The peak of the arithmetic units without memory accesses: the reference for every kernel's speed.
#pragma once

#include "kernels/isa_common.hpp"

namespace ablaze::kernels {
namespace {

/// Independent sums. A multiply-add takes 4 to 8 cycles and two start per cycle; twelve sums and the two
/// operands fit in the 16 registers of SSE and AVX2 without spilling.
constexpr int kPeakSums = 12;
static_assert(kPeakSums * kBlock == kPeakFloats);

/// Repeats x = x / 2 + 1: converges to 2, never to a denormal number. Reads and writes `sums`, so that no
/// compiler can predict the result.
double peak_loop(long rounds, float* sums) {
  const Vector half = Vector::all(0.5F), one = Vector::all(1);
  Vector x[kPeakSums];
  ABLAZE_UNROLL
  for (int i = 0; i < kPeakSums; ++i) x[i] = Vector::load(sums + i * kBlock);
  for (long round = 0; round < rounds; ++round) {
    ABLAZE_UNROLL
    for (int i = 0; i < kPeakSums; ++i) x[i] = multiply_add(x[i], half, one);
  }
  ABLAZE_UNROLL
  for (int i = 0; i < kPeakSums; ++i) x[i].store(sums + i * kBlock);
  return 2.0 * kPeakSums * Vector::width * static_cast<double>(rounds);
}

}  // namespace
}  // namespace ablaze::kernels
