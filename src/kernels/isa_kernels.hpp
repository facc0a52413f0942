// The fast kernels: one source, compiled once for each instruction set by isa_*.cpp, which name the table
// that it defines. See vector.hpp for what may be included here.
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

constexpr int kVectors = kBlock / Vector::width;  // of one block

// Register tiles. AVX-512: 32 output channels x 14 pixels are 28 of 32 registers, 2 more hold the weights.
// AVX2: 16 x 6 are 12 of 16. SSE2: 16 x 2 are 8 of 16.
#if defined(__AVX512F__)
constexpr int kTileBlocks = 2;
constexpr int kTilePixels = 14;
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int kTileBlocks = 1;
constexpr int kTilePixels = 6;
#else
constexpr int kTileBlocks = 1;
constexpr int kTilePixels = 2;
#endif

inline int smaller(int a, int b) { return a < b ? a : b; }
inline int larger(int a, int b) { return a > b ? a : b; }

void zero_pixels(float* p, int pixels) {
  const Vector zero = Vector::all(0);
  for (int i = 0; i < pixels * kBlock; i += Vector::width) zero.store(p + i);
}

/// Zeroes the border beside rows [y0, y1) of one plane, and above and below them at the plane's ends.
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

// ---------------------------------------------------------------------------------------------------------
// Convolution

/// Where one tile reads and writes: `Pixels` neighbours in a row, `Blocks` blocks of output channels.
struct Tile {
  const float* in;       // first tap of the first pixel, first input block of the group
  const float* weights;  // [in blocks][kh][kw][In][Blocks * 16]
  const float* bias;     // [Blocks * 16]
  const float* residual;
  float* out;
  float* before_relu;
  int in_blocks;
};

/// All input channels and taps are summed in registers, starting from the bias, then stored once.
/// In: input channels a block holds (16, or 1 for planar input). Step: floats between the inputs of
/// neighbouring outputs, 0 where it is known at run time only.
template <int Blocks, int Pixels, int In, int Step>
void conv_tile(const Conv& c, const Tile& t) {
  constexpr int kWide = Blocks * kVectors;
  const std::ptrdiff_t step = Step != 0 ? Step : static_cast<std::ptrdiff_t>(c.stride_w) * In;
  Vector sum[Pixels][kWide];
  ABLAZE_UNROLL
  for (int j = 0; j < Pixels; ++j) {
    ABLAZE_UNROLL
    for (int b = 0; b < kWide; ++b) sum[j][b] = Vector::load(t.bias + b * Vector::width);
  }
  const float* w = t.weights;
  for (int block = 0; block < t.in_blocks; ++block) {
    const float* plane = t.in + block * c.in.block;
    for (int ky = 0; ky < c.kernel_h; ++ky) {
      const float* row = plane + ky * c.dilation_h * c.in.row;
      for (int kx = 0; kx < c.kernel_w; ++kx) {
        const float* x = row + kx * c.dilation_w * In;
        ABLAZE_UNROLL_4
        for (int i = 0; i < In; ++i) {
          Vector weight[kWide];
          ABLAZE_UNROLL
          for (int b = 0; b < kWide; ++b) weight[b] = Vector::load(w + b * Vector::width);
          ABLAZE_UNROLL
          for (int j = 0; j < Pixels; ++j) {
            const Vector value = Vector::all(x[j * step + i]);
            ABLAZE_UNROLL
            for (int b = 0; b < kWide; ++b) sum[j][b] = multiply_add(weight[b], value, sum[j][b]);
          }
          w += Blocks * kBlock;
        }
      }
    }
  }
  const Vector zero = Vector::all(0);
  ABLAZE_UNROLL
  for (int b = 0; b < kWide; ++b) {
    const int block = b / kVectors;
    const int lane = (b % kVectors) * Vector::width;
    ABLAZE_UNROLL
    for (int j = 0; j < Pixels; ++j) {
      Vector y = sum[j][b];
      if (t.residual != nullptr)
        y = y + Vector::load(t.residual + block * c.residual.block + j * kBlock + lane);
      if (t.before_relu != nullptr) y.store(t.before_relu + block * c.before_relu.block + j * kBlock + lane);
      if (c.relu) y = max(zero, y);
      y.store(t.out + block * c.out.block + j * kBlock + lane);
    }
  }
}

using TileFunction = void (*)(const Conv&, const Tile&);

/// conv_tile for 1 to kTilePixels pixels.
template <int Blocks, int In, int Step>
struct TileTable {
  TileFunction by_pixels[kTilePixels + 1];
  constexpr TileTable() : by_pixels{} { fill<1>(); }
  template <int Pixels>
  constexpr void fill() {
    by_pixels[Pixels] = conv_tile<Blocks, Pixels, In, Step>;
    if constexpr (Pixels < kTilePixels) fill<Pixels + 1>();
  }
};
template <int Blocks, int In, int Step>
constexpr TileTable<Blocks, In, Step> kTiles{};

template <int Blocks>
const TileFunction* tile_functions(const Conv& c) {
  if (c.planar) {
    if (c.stride_w == 1) return kTiles<Blocks, 1, 1>.by_pixels;
    if (c.stride_w == 2) return kTiles<Blocks, 1, 2>.by_pixels;
    return kTiles<Blocks, 1, 0>.by_pixels;
  }
  if (c.stride_w == 1) return kTiles<Blocks, kBlock, kBlock>.by_pixels;
  if (c.stride_w == 2) return kTiles<Blocks, kBlock, 2 * kBlock>.by_pixels;
  return kTiles<Blocks, kBlock, 0>.by_pixels;
}

/// An item: some rows of one image's output channels in one group. Items of one group are neighbours, so that
/// its weights stay in the cache.
void conv(const Conv& c, int item) {
  const int chunks = (c.out_h + c.rows_per_item - 1) / c.rows_per_item;
  const OutGroup& group = c.groups[item / (chunks * c.batch)];
  const int n = item / chunks % c.batch;
  const int y0 = item % chunks * c.rows_per_item;
  const int y1 = smaller(y0 + c.rows_per_item, c.out_h);
  const TileFunction* functions =
      group.blocks == kTileBlocks ? tile_functions<kTileBlocks>(c) : tile_functions<1>(c);
  // Tiles of nearly equal width: a row of 16 is 8 + 8 rather than 14 + 2.
  const int tiles = (c.out_w + kTilePixels - 1) / kTilePixels;
  const int pixel = c.planar ? 1 : kBlock;
  const float* in = c.in.data + n * c.in.batch + group.in_begin * c.in.block - c.padding_h * c.in.row -
                    static_cast<std::ptrdiff_t>(c.padding_w) * pixel;
  Tile t{};
  t.weights = c.weights + group.weights;
  t.bias = c.bias + group.first_block * kBlock;
  t.in_blocks = group.in_end - group.in_begin;
  const auto at = [&](const auto& place, int y, int x) {
    return place.data + n * place.batch + group.first_block * place.block + y * place.row + x * kBlock;
  };
  for (int y = y0; y < y1; ++y) {
    for (int tile = 0; tile < tiles; ++tile) {
      const int x = static_cast<int>(static_cast<long long>(tile) * c.out_w / tiles);
      const int next = static_cast<int>(static_cast<long long>(tile + 1) * c.out_w / tiles);
      t.in = in + y * c.stride_h * c.in.row + static_cast<std::ptrdiff_t>(x) * c.stride_w * pixel;
      t.out = at(c.out, y, x);
      t.residual = c.residual.data != nullptr ? at(c.residual, y, x) : nullptr;
      t.before_relu = c.before_relu.data != nullptr ? at(c.before_relu, y, x) : nullptr;
      functions[next - x](c, t);
    }
  }
  for (int b = 0; b < group.blocks; ++b) {
    zero_border(c.out, at(c.out, 0, 0) + b * c.out.block, y0, y1, c.out_h, c.out_w);
    if (c.before_relu.data != nullptr) {
      zero_border(c.before_relu, at(c.before_relu, 0, 0) + b * c.before_relu.block, y0, y1, c.out_h, c.out_w);
    }
  }
}

// ---------------------------------------------------------------------------------------------------------
// Pooling: an item is one block of one image

struct Plane {
  const float* in;
  float* out;
};

Plane pool_plane(const Pool& p, int item) {
  const int n = item / p.blocks;
  const int block = item % p.blocks;
  return {p.in.data + n * p.in.batch + block * p.in.block,
          p.out.data + n * p.out.batch + block * p.out.block};
}

/// The window's taps inside the input: [begin, end) of 0 .. kernel.
struct Taps {
  int begin, end;
};

Taps taps_inside(int start, int kernel, int dilation, int extent) {
  int begin = 0;
  while (begin < kernel && start + begin * dilation < 0) ++begin;
  int end = kernel;
  while (end > begin && start + (end - 1) * dilation >= extent) --end;
  return {begin, end};
}

void max_pool(const Pool& p, int item) {
  const Plane plane = pool_plane(p, item);
  for (int y = 0; y < p.out_h; ++y) {
    const int top = y * p.stride_h - p.padding_h;
    const Taps rows = taps_inside(top, p.kernel_h, p.dilation_h, p.in_h);
    for (int x = 0; x < p.out_w; ++x) {
      const int left = x * p.stride_w - p.padding_w;
      const Taps columns = taps_inside(left, p.kernel_w, p.dilation_w, p.in_w);
      for (int lane = 0; lane < kBlock; lane += Vector::width) {
        Vector best = Vector::all(-__builtin_inff());
        for (int i = rows.begin; i < rows.end; ++i) {
          const float* row = plane.in + (top + i * p.dilation_h) * p.in.row + lane;
          for (int j = columns.begin; j < columns.end; ++j) {
            best = max(best, Vector::load(row + (left + j * p.dilation_w) * kBlock));
          }
        }
        best.store(plane.out + y * p.out.row + x * kBlock + lane);
      }
    }
  }
  zero_border(p.out, plane.out, 0, p.out_h, p.out_h, p.out_w);
}

/// The mean of rows [top, bottom) x columns [left, right), with the given divisor.
void average(const Pool& p, const Plane& plane, int y, int x, int top, int bottom, int left, int right,
             int count) {
  const Vector scale = Vector::all(1.0F / static_cast<float>(count));
  for (int lane = 0; lane < kBlock; lane += Vector::width) {
    Vector sum = Vector::all(0);
    for (int i = top; i < bottom; ++i) {
      const float* row = plane.in + i * p.in.row + lane;
      for (int j = left; j < right; ++j) sum = sum + Vector::load(row + j * kBlock);
    }
    (sum * scale).store(plane.out + y * p.out.row + x * kBlock + lane);
  }
}

void average_pool(const Pool& p, int item) {
  const Plane plane = pool_plane(p, item);
  for (int y = 0; y < p.out_h; ++y) {
    const int top = y * p.stride_h - p.padding_h;
    const int bottom = smaller(top + p.kernel_h, p.in_h + p.padding_h);
    for (int x = 0; x < p.out_w; ++x) {
      const int left = x * p.stride_w - p.padding_w;
      const int right = smaller(left + p.kernel_w, p.in_w + p.padding_w);
      const int t = larger(top, 0), b = smaller(bottom, p.in_h), l = larger(left, 0),
                r = smaller(right, p.in_w);
      const int count = p.count_include_pad ? (bottom - top) * (right - left) : (b - t) * (r - l);
      average(p, plane, y, x, t, b, l, r, count);
    }
  }
  zero_border(p.out, plane.out, 0, p.out_h, p.out_h, p.out_w);
}

int window_begin(int i, int in, int out) { return static_cast<int>(static_cast<long long>(i) * in / out); }
int window_end(int i, int in, int out) {
  return static_cast<int>((static_cast<long long>(i + 1) * in + out - 1) / out);
}

void adaptive_average_pool(const Pool& p, int item) {
  const Plane plane = pool_plane(p, item);
  for (int y = 0; y < p.out_h; ++y) {
    const int top = window_begin(y, p.in_h, p.out_h), bottom = window_end(y, p.in_h, p.out_h);
    for (int x = 0; x < p.out_w; ++x) {
      const int left = window_begin(x, p.in_w, p.out_w), right = window_end(x, p.in_w, p.out_w);
      average(p, plane, y, x, top, bottom, left, right, (bottom - top) * (right - left));
    }
  }
  zero_border(p.out, plane.out, 0, p.out_h, p.out_h, p.out_w);
}

// ---------------------------------------------------------------------------------------------------------
// Everything that stays in its place: an item is one block of one image

void elementwise(const Elementwise& e, int item) {
  const int n = item / e.blocks;
  const int block = item % e.blocks;
  const auto at = [&](const auto& place) { return place.data + n * place.batch + block * place.block; };
  const Vector zero = Vector::all(0);
  for (int y = 0; y < e.h; ++y) {
    const float* in = at(e.in) + y * e.in.row;
    const float* other = e.other.data != nullptr ? at(e.other) + y * e.other.row : nullptr;
    float* out = at(e.out) + y * e.out.row;
    float* before_relu = e.before_relu.data != nullptr ? at(e.before_relu) + y * e.before_relu.row : nullptr;
    for (int i = 0; i < e.w * kBlock; i += Vector::width) {
      const int channel = block * kBlock + i % kBlock;
      Vector v = Vector::load(in + i);
      if (e.scale != nullptr)
        v = multiply_add(v, Vector::load(e.scale + channel), Vector::load(e.shift + channel));
      if (other != nullptr) v = v + Vector::load(other + i);
      if (before_relu != nullptr) v.store(before_relu + i);
      if (e.relu) v = max(zero, v);
      v.store(out + i);
    }
  }
  zero_border(e.out, at(e.out), 0, e.h, e.h, e.w);
  if (e.before_relu.data != nullptr) zero_border(e.before_relu, at(e.before_relu), 0, e.h, e.h, e.w);
}

}  // namespace

extern const KernelTable ABLAZE_ISA_TABLE;
const KernelTable ABLAZE_ISA_TABLE{ABLAZE_ISA_NAME, kTileBlocks,           conv,       max_pool,
                                   average_pool,    adaptive_average_pool, elementwise};

}  // namespace ablaze::kernels
