// Linear layers: y = W x + b for the images of a batch, treated as the pixels of one row.
//
// One image uses each weight once, so the speed is memory-bound: weights of a half-precision file stay half
// in memory and are widened in registers, exactly. For many images, a segment of weights (128 KB) is applied
// to all of them before the next segment, so that it is read from memory once and from the core's cache
// afterwards.
#pragma once

#include "kernels/isa_convolution.hpp"

namespace ablaze::kernels {
namespace {

template <class V>
V load_weight(const float* p) {
  return V::load(p);
}
template <class V>
V load_weight(const std::uint16_t* p) {
  return V::load_half(p);
}

/// One segment of a few images' sums; Number: float, or the bits of a half.
template <class Number>
struct GemmTile {
  const float* in;        // the segment's first input block of the first image
  const Number* weights;  // [in blocks][16][Blocks * 16]
  const float* bias;      // [Blocks * 16]; nullptr: zeros
  const float* residual;
  const float* base;
  float* out;  // holds the partial sums between segments
  float* before_relu;
  int in_blocks;
  bool first, last;  // of the segments
};

template <class Number, int Blocks, int Pixels>
void gemm_tile(const Conv& c, const GemmTile<Number>& t) {
  constexpr int kWide = Blocks * kVectors;
  const Vector zero = Vector::all(0);
  Vector sum[Pixels][kWide];
  ABLAZE_UNROLL
  for (int j = 0; j < Pixels; ++j) {
    ABLAZE_UNROLL
    for (int b = 0; b < kWide; ++b) sum[j][b] = zero;
  }
  const Number* w = t.weights;
  for (int block = 0; block < t.in_blocks; ++block) {
    const float* x = t.in + block * c.in.block;
    // With many images the next block is too far away for the hardware prefetcher.
    const float* ahead = block + 1 < t.in_blocks ? x + c.in.block : x;
    ABLAZE_UNROLL
    for (int j = 0; j < Pixels; ++j) __builtin_prefetch(ahead + j * kBlock);
    ABLAZE_UNROLL_4
    for (int i = 0; i < kBlock; ++i) {
      Vector weight[kWide];
      ABLAZE_UNROLL
      for (int b = 0; b < kWide; ++b) weight[b] = load_weight<Vector>(w + b * Vector::width);
      ABLAZE_UNROLL
      for (int j = 0; j < Pixels; ++j) {
        const Vector value = Vector::all(x[j * kBlock + i]);
        ABLAZE_UNROLL
        for (int b = 0; b < kWide; ++b) sum[j][b] = multiply_add(weight[b], value, sum[j][b]);
      }
      w += Blocks * kBlock;
    }
  }
  ABLAZE_UNROLL
  for (int b = 0; b < kWide; ++b) {
    const int block = b / kVectors;
    const int lane = (b % kVectors) * Vector::width;
    ABLAZE_UNROLL
    for (int j = 0; j < Pixels; ++j) {
      float* out = t.out + block * c.out.block + j * kBlock + lane;
      const float* before = !t.first ? out : t.bias != nullptr ? t.bias + b * Vector::width : nullptr;
      Vector y = (before != nullptr ? Vector::load(before) : zero) + sum[j][b];
      if (t.last) {
        if (t.residual != nullptr)
          y = y + Vector::load(t.residual + block * c.residual.block + j * kBlock + lane);
        if (t.before_relu != nullptr)
          y.store(t.before_relu + block * c.before_relu.block + j * kBlock + lane);
        if (t.base != nullptr) {
          y = relu_change(Vector::load(t.base + block * c.base.block + j * c.base.pixel + lane), y);
        } else if (c.relu) {
          y = max(zero, y);
        }
      }
      y.store(out);
    }
  }
}

/// gemm_tile for 1 to kTilePixels images.
template <class Number, int Blocks>
struct GemmTable {
  void (*by_pixels[kTilePixels + 1])(const Conv&, const GemmTile<Number>&);
  constexpr GemmTable() : by_pixels{} { fill<1>(); }
  template <int Pixels>
  constexpr void fill() {
    by_pixels[Pixels] = gemm_tile<Number, Blocks, Pixels>;
    if constexpr (Pixels < kTilePixels) fill<Pixels + 1>();
  }
};
template <class Number, int Blocks>
constexpr GemmTable<Number, Blocks> kGemmTiles{};

/// All images of one group of outputs.
template <class Number>
void gemm_group(const Conv& c, const OutGroup& group, const Number* weights) {
  const auto* functions = group.blocks == kTileBlocks ? kGemmTiles<Number, kTileBlocks>.by_pixels
                                                      : kGemmTiles<Number, 1>.by_pixels;
  const int segment = kSegmentTerms / kBlock;
  const int tiles = (c.out_w + kTilePixels - 1) / kTilePixels;
  const auto at = [&](const auto& buffer, int x) {
    return buffer.data + group.first_block * buffer.block + x * kBlock;
  };
  GemmTile<Number> t{};
  t.weights = weights + group.weights;
  t.bias = c.bias != nullptr ? c.bias + group.first_block * kBlock : nullptr;
  for (int begin = 0; begin < group.in_end; begin += segment) {
    t.in_blocks = smaller(segment, group.in_end - begin);
    t.first = begin == 0;
    t.last = begin + t.in_blocks == group.in_end;
    for (int tile = 0; tile < tiles; ++tile) {
      const int x = static_cast<int>(static_cast<long long>(tile) * c.out_w / tiles);
      const int next = static_cast<int>(static_cast<long long>(tile + 1) * c.out_w / tiles);
      t.in = c.in.data + begin * c.in.block + x * kBlock;
      t.out = at(c.out, x);
      t.residual = c.residual.data != nullptr ? at(c.residual, x) : nullptr;
      t.before_relu = c.before_relu.data != nullptr ? at(c.before_relu, x) : nullptr;
      t.base = c.base.data != nullptr ? c.base.data + group.first_block * c.base.block + x * c.base.pixel
                                      : nullptr;
      functions[next - x](c, t);
    }
    t.weights += static_cast<std::ptrdiff_t>(t.in_blocks) * kBlock * group.blocks * kBlock;
  }
}

template <class V>
void gemm(const Conv& c, int item) {
  if constexpr (V::widens) {
    if (c.half_weights != nullptr) return gemm_group(c, c.groups[item], c.half_weights);
  }
  gemm_group(c, c.groups[item], c.weights);
}

/// An item: one group of outputs, all images.
void linear(const Conv& c, int item) {
  gemm<Vector>(c, item);
  curve_rows(c, {0, item, 0, 1}, c.groups[item]);
}

}  // namespace
}  // namespace ablaze::kernels
