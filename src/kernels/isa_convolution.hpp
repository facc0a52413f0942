// Direct convolution.
#pragma once

#include "kernels/isa_curves.hpp"

namespace ablaze::kernels {
namespace {

/// Inputs and outputs of one tile: `Pixels` neighbours in a row, `Blocks` blocks of output channels.
struct Tile {
  const float* in;       // first tap of the first pixel, first input block of the group
  const float* weights;  // [in blocks][kh][kw][In][Blocks * 16]
  const int* channels;   // planar: indices of the planes to read; nullptr: the first in_blocks
  const float* bias;     // [Blocks * 16]; nullptr: zeros
  const float* residual;
  const float* base;
  float* out;  // holds the partial sums between passes
  float* before_relu;
  int in_blocks;
  bool first, last;  // of the passes
};

// Terms per segment of a sum. Long sums are split into segments, which are added at the end: the rounding
// error of a sum grows with its length, and fc1 of a VGG has 25,088 terms.
constexpr int kSegmentTerms = 1024;

// Terms summed by all tiles of an item per pass: with AVX2 their weights, 18 KB, stay in the first-level
// cache. An AVX-512 tile uses each weight for 14 pixels and reads it from the second-level cache.
constexpr int kPassTerms = Vector::width == 8 ? 288 : 1 << 30;

// g++ cannot see that the first of several segments writes `before`; initialising it would store zeros for
// each tile.
#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
/// Sums a segment's input channels and taps in registers; computes bias + segments, then the epilogue, then
/// one store. In: input channels per block (16, or 1 for planar input). Step: floats between the inputs of
/// neighbouring outputs, 0 where known at run time only.
template <int Blocks, int Rows, int Columns, int In, int Step>
void conv_tile(const Conv& c, const Tile& t) {
  constexpr int kWide = Blocks * kVectors;
  constexpr int Pixels = Rows * Columns;
  const std::ptrdiff_t next_row = c.stride_h * c.in.row;
  const std::ptrdiff_t step = Step != 0 ? Step : static_cast<std::ptrdiff_t>(c.stride_w) * In;
  const Vector zero = Vector::all(0);
  const auto offset_of = [](const auto& p, int block, int j) {
    return block * p.block + j / Columns * p.row + j % Columns * static_cast<std::ptrdiff_t>(p.pixel);
  };
  const int segment = larger(1, kSegmentTerms / (In * c.kernel_h * c.kernel_w));
  const float* w = t.weights;
  Vector sum[Pixels][kWide];
  float before[Pixels][kWide]
              [Vector::width];  // sums of earlier segments; short sums never leave the registers
  for (int begin = 0;; begin += segment) {
    ABLAZE_UNROLL
    for (int j = 0; j < Pixels; ++j) {
      ABLAZE_UNROLL
      for (int b = 0; b < kWide; ++b) sum[j][b] = zero;
    }
    const int end = smaller(begin + segment, t.in_blocks);
    for (int block = begin; block < end; ++block) {
      const float* plane = t.in + block * c.in.block;
      if (In == 1 && t.channels != nullptr) {
        plane = t.in + t.channels[block] * c.in.block;
        w = t.weights +
            static_cast<std::ptrdiff_t>(t.channels[block]) * c.kernel_h * c.kernel_w * Blocks * kBlock;
      }
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
              const Vector value = Vector::all(x[j / Columns * next_row + j % Columns * step + i]);
              ABLAZE_UNROLL
              for (int b = 0; b < kWide; ++b) sum[j][b] = multiply_add(weight[b], value, sum[j][b]);
            }
            w += Blocks * kBlock;
          }
        }
      }
    }
    if (begin == 0 && t.first) {
      ABLAZE_UNROLL
      for (int b = 0; b < kWide; ++b) {
        const Vector bias = t.bias != nullptr ? Vector::load(t.bias + b * Vector::width) : zero;
        ABLAZE_UNROLL
        for (int j = 0; j < Pixels; ++j) sum[j][b] = bias + sum[j][b];
      }
    } else if (begin == 0) {
      ABLAZE_UNROLL
      for (int j = 0; j < Pixels; ++j) {
        ABLAZE_UNROLL
        for (int b = 0; b < kWide; ++b)
          sum[j][b] = Vector::load(t.out + offset_of(c.out, b / kVectors, j) + b % kVectors * Vector::width) +
                      sum[j][b];
      }
    } else {
      ABLAZE_UNROLL
      for (int j = 0; j < Pixels; ++j) {
        ABLAZE_UNROLL
        for (int b = 0; b < kWide; ++b) sum[j][b] = Vector::load(before[j][b]) + sum[j][b];
      }
    }
    if (end >= t.in_blocks) break;
    ABLAZE_UNROLL
    for (int j = 0; j < Pixels; ++j) {
      ABLAZE_UNROLL
      for (int b = 0; b < kWide; ++b) sum[j][b].store(before[j][b]);
    }
  }
  ABLAZE_UNROLL
  for (int b = 0; b < kWide; ++b) {
    const int block = b / kVectors;
    const int lane = (b % kVectors) * Vector::width;
    ABLAZE_UNROLL
    for (int j = 0; j < Pixels; ++j) {
      Vector y = sum[j][b];
      if (!t.last) {
        y.store(t.out + offset_of(c.out, block, j) + lane);
        continue;
      }
      if (t.residual != nullptr) y = y + Vector::load(t.residual + offset_of(c.residual, block, j) + lane);
      if (t.before_relu != nullptr) y.store(t.before_relu + offset_of(c.before_relu, block, j) + lane);
      if (t.base != nullptr) {
        y = through_relu(c.base, Vector::load(t.base + offset_of(c.base, block, j) + lane), y);
      } else if (c.relu) {
        y = max(zero, y);
      }
      y.store(t.out + offset_of(c.out, block, j) + lane);
    }
  }
}

#pragma GCC diagnostic pop

using TileFunction = void (*)(const Conv&, const Tile&);

/// conv_tile for 1 to kTilePixels pixels, and for two rows of half as many.
template <int Blocks, int In, int Step>
struct TileTable {
  TileFunction by_pixels[kTilePixels + 1];
  TileFunction pairs[kTilePixels / 2 + 1];
  constexpr TileTable() : by_pixels{}, pairs{} {
    fill<1>();
    fill_pairs<1>();
  }
  template <int Pixels>
  constexpr void fill() {
    by_pixels[Pixels] = conv_tile<Blocks, 1, Pixels, In, Step>;
    if constexpr (Pixels < kTilePixels) fill<Pixels + 1>();
  }
  template <int Columns>
  constexpr void fill_pairs() {
    pairs[Columns] = conv_tile<Blocks, 2, Columns, In, Step>;
    if constexpr (Columns < kTilePixels / 2) fill_pairs<Columns + 1>();
  }
};
template <int Blocks, int In, int Step>
constexpr TileTable<Blocks, In, Step> kTiles{};

/// The instances for a convolution: `rows` is 1 or 2.
template <int Blocks, int In>
const TileFunction* tile_functions(const Conv& c, int rows) {
  const auto of = [rows](const auto& table) { return rows == 2 ? table.pairs : table.by_pixels; };
  if (c.stride_w == 1) return of(kTiles<Blocks, In, In>);
  if (c.stride_w == 2) return of(kTiles<Blocks, In, 2 * In>);
  return of(kTiles<Blocks, In, 0>);
}

template <int Blocks>
const TileFunction* tile_functions(const Conv& c, int rows) {
  return c.planar ? tile_functions<Blocks, 1>(c, rows) : tile_functions<Blocks, kBlock>(c, rows);
}

const TileFunction* tile_functions(const Conv& c, int blocks, int rows) {
  if constexpr (kTileBlocks != 1) {
    if (blocks == kTileBlocks) return tile_functions<kTileBlocks>(c, rows);
  }
  return tile_functions<1>(c, rows);
}

/// Rows [y0, y1) of an image's output channels in one group; `in`: the first tap of the image's first pixel.
void conv_rows(const Conv& c, const OutGroup& group, Tile t, const float* in, int n, int y0, int y1) {
  // Tiles of nearly equal width: a row of 16 is 8 + 8 rather than 14 + 2.
  const int tiles = (c.out_w + kTilePixels - 1) / kTilePixels;
  // On narrow maps a tile spans two rows, so that each loaded weight serves as many pixels as elsewhere.
  const bool narrow = 2 * c.out_w <= kTilePixels;
  const int pixel = c.planar ? 1 : kBlock;
  const auto at = [&](const auto& buffer, int y, int x) {
    return buffer.data + n * buffer.batch + group.first_block * buffer.block + y * buffer.row +
           static_cast<std::ptrdiff_t>(x) * buffer.pixel;
  };
  for (int y = y0; y < y1;) {
    const int rows = narrow && y + 1 < y1 ? 2 : 1;
    const TileFunction* functions = tile_functions(c, group.blocks, rows);
    for (int tile = 0; tile < tiles; ++tile) {
      const int x = static_cast<int>(static_cast<long long>(tile) * c.out_w / tiles);
      const int next = static_cast<int>(static_cast<long long>(tile + 1) * c.out_w / tiles);
      t.in = in + y * c.stride_h * c.in.row + static_cast<std::ptrdiff_t>(x) * c.stride_w * pixel;
      t.out = at(c.out, y, x);
      t.residual = c.residual.data != nullptr ? at(c.residual, y, x) : nullptr;
      t.before_relu = c.before_relu.data != nullptr ? at(c.before_relu, y, x) : nullptr;
      t.base = c.base.data != nullptr ? at(c.base, y, x) : nullptr;
      functions[next - x](c, t);
    }
    y += rows;
  }
}

/// An item: some rows of one image's output channels in one group.
void conv(const Conv& c, int item) {
  const Share share = share_of(c.split, c.batch, c.group_count, c.out_h, item);
  const OutGroup& group = c.groups[share.column];
  const int n = share.image, y0 = share.y0, y1 = share.y1;
  const int pixel = c.planar ? 1 : kBlock;
  const float* in = c.in.data + n * c.in.batch + group.in_begin * c.in.block - c.padding_h * c.in.row -
                    static_cast<std::ptrdiff_t>(c.padding_w) * pixel;
  Tile t{};
  t.first = true;
  t.weights = c.weights + group.weights;
  t.bias = c.bias != nullptr ? c.bias + group.first_block * kBlock : nullptr;
  t.in_blocks = group.in_end - group.in_begin;
  if (c.members.first != nullptr) {
    // The image's channels read by the group: `in` and `weights` then start at channel 0.
    int begin = c.members.first[n], end = c.members.first[n + 1];
    while (begin < end && c.members.index[begin] < group.in_begin) ++begin;
    while (begin < end && c.members.index[end - 1] >= group.in_end) --end;
    t.channels = c.members.index + begin;
    t.in_blocks = end - begin;
    in -= n * c.in.batch + group.in_begin * c.in.block;
    t.weights -=
        static_cast<std::ptrdiff_t>(group.in_begin) * c.kernel_h * c.kernel_w * group.blocks * kBlock;
  }
  // Passes over all tiles.
  const int taps = c.kernel_h * c.kernel_w;
  const int pass = c.planar ? larger(1, t.in_blocks) : larger(1, kPassTerms / (taps * kBlock));
  for (int rest = t.in_blocks; !t.last; rest -= pass) {
    t.in_blocks = smaller(pass, rest);
    t.last = rest <= pass;
    conv_rows(c, group, t, in, n, y0, y1);
    in += t.in_blocks * c.in.block;
    t.weights += static_cast<std::ptrdiff_t>(t.in_blocks) * taps * kBlock * group.blocks * kBlock;
    t.first = false;
  }
  const auto at = [&](const auto& buffer) {
    return buffer.data + n * buffer.batch + group.first_block * buffer.block;
  };
  for (int b = 0; b < group.blocks; ++b) {
    zero_border(c.out, at(c.out) + b * c.out.block, y0, y1, c.out_h, c.out_w);
    if (c.before_relu.data != nullptr) {
      zero_border(c.before_relu, at(c.before_relu) + b * c.before_relu.block, y0, y1, c.out_h, c.out_w);
    }
  }
  curve_rows(c, share, group);
}

}  // namespace
}  // namespace ablaze::kernels
