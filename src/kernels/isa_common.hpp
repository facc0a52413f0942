// Shared by the fast kernels. Each isa_*.cpp compiles the isa_*.hpp files for one instruction set; vector.hpp
// states which headers they may include.
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/vector.hpp"

#if defined(ABLAZE_ROLLED)  // sanitizers instrument every load: unrolled tiles would take minutes to compile
#define ABLAZE_UNROLL
#define ABLAZE_UNROLL_4
#elif defined(__clang__)
#define ABLAZE_UNROLL _Pragma("clang loop unroll(full)")
#define ABLAZE_UNROLL_4 _Pragma("clang loop unroll_count(4)")
#else
#define ABLAZE_UNROLL _Pragma("GCC unroll 32")
#define ABLAZE_UNROLL_4 _Pragma("GCC unroll 4")
#endif

namespace ablaze::kernels {
namespace {

constexpr int smaller(int a, int b) { return a < b ? a : b; }
constexpr int larger(int a, int b) { return a > b ? a : b; }

constexpr int kVectors = kBlock / Vector::width;  // of one block

// The direct convolution's register tile: as many pixels as registers remain after a pixel's weights and one
// input. AVX-512: 32 output channels x 14 pixels are 28 of 32 registers, AVX2: 16 x 6 are 12 of 16, SSE2: 16
// x 2 are 8 of 16.
constexpr int kTileBlocks = Vector::registers >= 32 && kVectors == 1 ? 2 : 1;
constexpr int kTilePixels = larger(2, (Vector::registers - 1) / (kTileBlocks * kVectors) - 1);

/// The output of an item: rows [y0, y1) of one column (group or block of channels) of one image.
struct Share {
  int image, column, y0, y1;
};

Share share_of(const Split& split, int images, int columns, int h, int item) {
  const int chunks = (h + split.rows - 1) / split.rows;
  // The part's columns: [begin, begin + width).
  int begin = 0, width = columns;
  if (!split.by_rows) {
    const int parts = smaller(split.parts, columns), column = item / (chunks * images);
    const int part = static_cast<int>(((static_cast<long long>(column) + 1) * parts - 1) / columns);
    begin = static_cast<int>(static_cast<long long>(part) * columns / parts);
    width = static_cast<int>((static_cast<long long>(part) + 1) * columns / parts) - begin;
    item -= begin * chunks * images;
  }
  const int column = begin + item % width;
  const int rest = item / width;
  const int y0 = rest % chunks * split.rows;
  return {rest / chunks, column, y0, smaller(y0 + split.rows, h)};
}

/// relu(base + change) - relu(base), exact where base and base + change have the same sign.
inline Vector relu_change(Vector base, Vector change) {
  const Vector zero = Vector::all(0), negated = zero - base;
  return max(negated, change) - max(negated, zero);
}

/// Applies a step's ReLU with a base to y: to a change, or to a gradient in the backward pass.
inline Vector through_relu(const Base& at, Vector base, Vector y) {
  if (!at.gates) return relu_change(base, y);
  const Vector zero = Vector::all(0);
  return select_greater(base, zero, y, zero);
}

void zero_pixels(float* p, int pixels) {
  const Vector zero = Vector::all(0);
  for (int i = 0; i < pixels * kBlock; i += Vector::width) zero.store(p + i);
}

/// Zeroes the border left and right of rows [y0, y1) of one plane, and above and below at the plane's ends.
/// plane points at pixel (0, 0).
void zero_border(const Output& out, float* plane, int y0, int y1, int h, int w) {
  const int bx = out.border_x;
  if (bx > 0) {
    for (int y = y0; y < y1; ++y) {
      zero_pixels(plane + y * out.row - bx * kBlock, bx);
      zero_pixels(plane + y * out.row + w * kBlock, bx);
    }
  }
  if (y0 == 0) {
    for (int y = 1; y <= out.border_y; ++y) zero_pixels(plane - y * out.row - bx * kBlock, w + 2 * bx);
  }
  if (y1 == h) {
    for (int y = h; y < h + out.border_y; ++y) zero_pixels(plane + y * out.row - bx * kBlock, w + 2 * bx);
  }
}

}  // namespace
}  // namespace ablaze::kernels
