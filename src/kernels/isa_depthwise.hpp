// Depthwise convolutions, and grouped ones whose groups are narrower than a block: ResNeXt's 4 and 8
// channels, or depthwise ones with several outputs per channel.
//
// A dense convolution from block to block would multiply 16 input channels where 1, 4 or 8 are connected.
// Here each lane of an output vector picks the input lanes of its group, so that no multiplication is wasted;
// a depthwise lane reads its own lane, without picking.
#pragma once

#include "kernels/isa_curves.hpp"

namespace ablaze::kernels {
namespace {

constexpr int kNarrowInputs = 8;  // most input channels of a narrow group

/// How lanes of an output vector read the input.
enum class Reads {
  own,   // lane i reads lane i: depthwise
  one,   // all lanes belong to one group and read one input
  picks  // each lane picks an input of its group
};

// Accumulators per tile; the other registers hold a row of the kernel's weights (up to 5) and one input.
constexpr int kNarrowPixels = Vector::registers >= 32 ? 14 : 8;

/// Position of the group's i-th input channel for the lanes of each vector of an output block.
struct Picks {
  int window[kNarrowInputs][kVectors];  // first lane of the vector to load
  int lanes[kNarrowInputs][kBlock];     // within that vector
};

struct NarrowTile {
  const float* in;       // first tap of the first pixel
  const float* weights;  // [kh][inputs of a group][kw][16]
  const float* bias;     // [16]; nullptr: zeros
  const float* residual;
  const float* base;
  float* out;
  float* before_relu;
  Picks picks;
};

/// A few neighbouring pixels of one block. Kernel, Stride: the kernel's width and the step between
/// neighbours, or 0, 0 where these (or a dilation) are known at run time only.
template <int Kernel, int Stride, Reads How, int Pixels>
void narrow_tile(const Conv& c, const NarrowTile& t) {
  const Vector zero = Vector::all(0);
  for (int v = 0; v < kVectors; ++v) {
    const int lane = v * Vector::width;
    const float* w = t.weights + lane;
    Vector sum[Pixels];
    ABLAZE_UNROLL
    for (int j = 0; j < Pixels; ++j) sum[j] = zero;
    for (int ky = 0; ky < c.kernel_h; ++ky) {
      for (int i = 0; i < (How == Reads::own ? 1 : c.group_inputs); ++i) {
        const int* from = t.picks.lanes[i] + lane;
        const int first = How == Reads::own ? lane : t.picks.window[i][v] + (How == Reads::one ? *from : 0);
        const float* row = t.in + ky * c.dilation_h * c.in.row + first;
        const Lanes lanes = Lanes::load(from);
        const auto input = [&](const float* p) {
          if constexpr (How == Reads::own) return Vector::load(p);
          return How == Reads::one ? Vector::all(*p) : Vector::pick(p, lanes);
        };
        if constexpr (Kernel > 0) {
          // Each input is loaded once and used by all taps of the row that read it.
          Vector weight[Kernel];
          ABLAZE_UNROLL
          for (int kx = 0; kx < Kernel; ++kx) weight[kx] = Vector::load(w + kx * kBlock);
          ABLAZE_UNROLL
          for (int x = 0; x < (Pixels - 1) * Stride + Kernel; ++x) {
            const Vector value = input(row + x * kBlock);
            ABLAZE_UNROLL
            for (int kx = 0; kx < Kernel; ++kx) {
              const int j = (x - kx) / Stride;
              if (x < kx || (x - kx) % Stride != 0 || j >= Pixels) continue;
              sum[j] = multiply_add(weight[kx], value, sum[j]);
            }
          }
        } else {
          for (int kx = 0; kx < c.kernel_w; ++kx) {
            const float* x = row + static_cast<std::ptrdiff_t>(kx) * c.dilation_w * kBlock;
            const Vector weight = Vector::load(w + kx * kBlock);
            ABLAZE_UNROLL
            for (int j = 0; j < Pixels; ++j) {
              sum[j] = multiply_add(weight, input(x + j * c.stride_w * kBlock), sum[j]);
            }
          }
        }
        w += c.kernel_w * kBlock;
      }
    }
    // Evaluated once per tile, not per pixel.
    const Vector bias = t.bias != nullptr ? Vector::load(t.bias + lane) : zero;
    const auto each_pixel = [&](auto&& action) {
      ABLAZE_UNROLL
      for (int j = 0; j < Pixels; ++j) action(j, sum[j]);
    };
    const auto at = [&](const auto& p, int j) { return j * static_cast<std::ptrdiff_t>(p.pixel) + lane; };
    each_pixel([&](int, Vector& y) { y = bias + y; });
    if (t.residual != nullptr)
      each_pixel([&](int j, Vector& y) { y = y + Vector::load(t.residual + at(c.residual, j)); });
    if (t.before_relu != nullptr)
      each_pixel([&](int j, Vector& y) { y.store(t.before_relu + at(c.before_relu, j)); });
    if (t.base != nullptr) {
      each_pixel(
          [&](int j, Vector& y) { y = through_relu(c.base, Vector::load(t.base + at(c.base, j)), y); });
    } else if (c.relu) {
      each_pixel([&](int, Vector& y) { y = max(zero, y); });
    }
    each_pixel([&](int j, Vector& y) { y.store(t.out + at(c.out, j)); });
  }
}

using NarrowFunction = void (*)(const Conv&, const NarrowTile&);

/// narrow_tile for 1 to kNarrowPixels pixels.
template <int Kernel, int Stride, Reads How>
struct NarrowTable {
  NarrowFunction by_pixels[kNarrowPixels + 1];
  constexpr NarrowTable() : by_pixels{} { fill<1>(); }
  template <int Pixels>
  constexpr void fill() {
    by_pixels[Pixels] = narrow_tile<Kernel, Stride, How, Pixels>;
    if constexpr (Pixels < kNarrowPixels) fill<Pixels + 1>();
  }
};
template <int Kernel, int Stride, Reads How>
constexpr NarrowTable<Kernel, Stride, How> kNarrowTiles{};

template <Reads How>
const NarrowFunction* functions_reading(const Conv& c) {
  if (c.dilation_w == 1 && c.kernel_w == 3 && c.stride_w == 1) return kNarrowTiles<3, 1, How>.by_pixels;
  if (c.dilation_w == 1 && c.kernel_w == 3 && c.stride_w == 2) return kNarrowTiles<3, 2, How>.by_pixels;
  if constexpr (How == Reads::own) {
    if (c.dilation_w == 1 && c.kernel_w == 5 && c.stride_w == 1) return kNarrowTiles<5, 1, How>.by_pixels;
    if (c.dilation_w == 1 && c.kernel_w == 5 && c.stride_w == 2) return kNarrowTiles<5, 2, How>.by_pixels;
  }
  return kNarrowTiles<0, 0, How>.by_pixels;
}

const NarrowFunction* narrow_functions(const Conv& c) {
  if (c.group_inputs == 1 && c.group_outputs == 1) return functions_reading<Reads::own>(c);
  if constexpr (Vector::width < kBlock) {
    if (c.group_outputs % Vector::width == 0) return functions_reading<Reads::one>(c);
  }
  return functions_reading<Reads::picks>(c);
}

/// The inputs read by the lanes of an output block: output channel o reads group o / group_outputs.
Picks picks_of(const Conv& c, const OutGroup& group) {
  Picks picks;
  const int first = group.first_block * kBlock;
  for (int lane = 0; lane < kBlock; ++lane) {
    const int source = (first + lane) / c.group_outputs * c.group_inputs - group.in_begin * kBlock;
    for (int i = 0; i < c.group_inputs; ++i) {
      picks.lanes[i][lane] = (source + i) % Vector::width;
      picks.window[i][lane / Vector::width] = source + i - picks.lanes[i][lane];
    }
  }
  return picks;
}

/// An item: some rows of one image's block of output channels.
void narrow_conv(const Conv& c, int item) {
  const Share share = share_of(c.split, c.batch, c.group_count, c.out_h, item);
  const OutGroup& group = c.groups[share.column];
  const int n = share.image, y0 = share.y0, y1 = share.y1;
  const NarrowFunction* functions = narrow_functions(c);
  const int tiles = (c.out_w + kNarrowPixels - 1) / kNarrowPixels;
  const float* in = c.in.data + n * c.in.batch + group.in_begin * c.in.block - c.padding_h * c.in.row -
                    static_cast<std::ptrdiff_t>(c.padding_w) * kBlock;
  NarrowTile t{};
  t.weights = c.weights + group.weights;
  t.bias = c.bias != nullptr ? c.bias + group.first_block * kBlock : nullptr;
  t.picks = picks_of(c, group);
  const auto at = [&](const auto& buffer, int y, int x) {
    return buffer.data + n * buffer.batch + group.first_block * buffer.block + y * buffer.row +
           static_cast<std::ptrdiff_t>(x) * buffer.pixel;
  };
  for (int y = y0; y < y1; ++y) {
    for (int tile = 0; tile < tiles; ++tile) {
      const int x = static_cast<int>(static_cast<long long>(tile) * c.out_w / tiles);
      const int next = static_cast<int>(static_cast<long long>(tile + 1) * c.out_w / tiles);
      t.in = in + y * c.stride_h * c.in.row + static_cast<std::ptrdiff_t>(x) * c.stride_w * kBlock;
      t.out = at(c.out, y, x);
      t.residual = c.residual.data != nullptr ? at(c.residual, y, x) : nullptr;
      t.before_relu = c.before_relu.data != nullptr ? at(c.before_relu, y, x) : nullptr;
      t.base = c.base.data != nullptr ? at(c.base, y, x) : nullptr;
      functions[next - x](c, t);
    }
  }
  zero_border(c.out, at(c.out, 0, 0), y0, y1, c.out_h, c.out_w);
  if (c.before_relu.data != nullptr) {
    zero_border(c.before_relu, at(c.before_relu, 0, 0), y0, y1, c.out_h, c.out_w);
  }
  curve_rows(c, share, group);
}

}  // namespace
}  // namespace ablaze::kernels
