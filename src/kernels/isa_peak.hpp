// What the arithmetic units can do when nothing has to be fetched: the yardstick of every kernel.
#pragma once

#include "kernels/isa_common.hpp"

namespace ablaze::kernels {
namespace {

/// Independent sums. A multiply-add takes 4 to 8 cycles and two begin each cycle; with the two operands,
/// twelve sums leave no register of SSE's and AVX2's 16 to be spilled.
constexpr int kPeakSums = 12;
static_assert(kPeakSums * kBlock == kPeakFloats);

/// x = x / 2 + 1 over and over: converges to 2, never to a denormal number. `sums` is read and written, so
/// that no compiler can know what comes out.
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
