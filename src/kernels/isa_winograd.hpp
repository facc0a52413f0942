// Winograd's convolution F(m x m, 3x3), m = 2 or 4: A. Lavin and S. Gray, "Fast Algorithms for Convolutional
// Neural Networks", CVPR 2016.
//
// Each m x m tile of the output reads an (m + 2) x (m + 2) tile d of the input:
//
//   Y = A^T [ sum over c of (G g G^T) * (B^T d B) ] A
//
// F(4x4): the points are 0, +-sqrt(2), +-sqrt(2)/2 and infinity, which lose half as many digits as the
// classic 0, +-1, +-2. With a = sqrt(2), b = a / 2:
//
//          1   0  -5/2   0   1   0            1                                        1  0  0
//          0 -a/2 -1/2   a   1   0            1 a 2 2a   / 6                           1  1  1  1  1  0
//   B^T =  0  a/2 -1/2  -a   1   0      G =   ... rows (1, p, p^2) / f_p     A^T =     0  a -a  b -b  0
//          0  -a  -2     b   1   0            f = 6 for +-a, -3/2 for +-b              0  2  2 .5 .5  0
//          0   a  -2    -b   1   0            and (0, 0, 1) at infinity                0 2a-2a b/2 -b/2 1
//          0   1   0  -5/2   0   1
//
// F(2x2): the points are 0, +-1 and infinity.
//
//          1  0 -1  0             1   0   0
//   B^T =  0  1  1  0      G =   .5  .5  .5      A^T =   1  1  1  0
//          0 -1  1  0            .5 -.5  .5              0  1 -1  1
//          0 -1  0  1             0   0   1
#pragma once

#include "kernels/isa_convolution.hpp"

namespace ablaze::kernels {
namespace {

constexpr float kA = 1.41421356237309504880F;
constexpr float kB = 0.70710678118654752440F;

/// B^T d
inline void transform_input(const Vector (&d)[4], Vector (&out)[4]) {
  out[0] = d[0] - d[2];
  out[1] = d[1] + d[2];
  out[2] = d[2] - d[1];
  out[3] = d[3] - d[1];
}

inline void transform_input(const Vector (&d)[6], Vector (&out)[6]) {
  const Vector even_a = multiply_add(Vector::all(-0.5F), d[2], d[4]);
  const Vector odd_a = multiply_add(Vector::all(-0.5F * kA), d[1], Vector::all(kA) * d[3]);
  const Vector even_b = multiply_add(Vector::all(-2.0F), d[2], d[4]);
  const Vector odd_b = multiply_add(Vector::all(-kA), d[1], Vector::all(kB) * d[3]);
  out[0] = multiply_add(Vector::all(-2.5F), d[2], d[0] + d[4]);
  out[1] = even_a + odd_a;
  out[2] = even_a - odd_a;
  out[3] = even_b + odd_b;
  out[4] = even_b - odd_b;
  out[5] = multiply_add(Vector::all(-2.5F), d[3], d[1] + d[5]);
}

/// A^T m
inline void transform_output(const Vector (&m)[4], Vector (&out)[2]) {
  out[0] = m[0] + (m[1] + m[2]);
  out[1] = (m[1] - m[2]) + m[3];
}

inline void transform_output(const Vector (&m)[6], Vector (&out)[4]) {
  const Vector sum_a = m[1] + m[2], difference_a = m[1] - m[2];
  const Vector sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  out[0] = m[0] + (sum_a + sum_b);
  out[1] = multiply_add(Vector::all(kA), difference_a, Vector::all(kB) * difference_b);
  out[2] = multiply_add(Vector::all(2.0F), sum_a, Vector::all(0.5F) * sum_b);
  out[3] = multiply_add(Vector::all(2 * kA), difference_a,
                        multiply_add(Vector::all(0.5F * kB), difference_b, m[5]));
}

/// Iterates over the tiles of a chunk: image and position of the first output.
struct TileWalk {
  int image, y, x;
  const Winograd& w;
  explicit TileWalk(const Winograd& winograd) : w(winograd) {
    const int per_image = w.tiles_h * w.tiles_w;
    image = w.first_tile / per_image;
    y = w.first_tile % per_image / w.tiles_w * w.side;
    x = w.first_tile % w.tiles_w * w.side;
  }
  void next() {
    x += w.side;
    if (x < w.side * w.tiles_w) return;
    x = 0;
    y += w.side;
    if (y < w.side * w.tiles_h) return;
    y = 0;
    ++image;
  }
};

/// One tile of one block. `rows` x `columns` of it lie inside input and border; the rest is zero.
template <int Side, bool Whole>
inline void transform_input_tile(const float* from, std::ptrdiff_t row, int rows, int columns, float* to,
                                 std::ptrdiff_t plane) {
  constexpr int kPoints = Side + 2;
  for (int lane = 0; lane < kBlock; lane += Vector::width) {
    Vector half[kPoints][kPoints];
    ABLAZE_UNROLL
    for (int i = 0; i < kPoints; ++i) {
      Vector d[kPoints];
      ABLAZE_UNROLL
      for (int j = 0; j < kPoints; ++j) {
        d[j] = Whole || (i < rows && j < columns) ? Vector::load(from + i * row + j * kBlock + lane)
                                                  : Vector::all(0);
      }
      transform_input(d, half[i]);
    }
    ABLAZE_UNROLL
    for (int j = 0; j < kPoints; ++j) {
      Vector column[kPoints], out[kPoints];
      ABLAZE_UNROLL
      for (int i = 0; i < kPoints; ++i) column[i] = half[i][j];
      transform_input(column, out);
      ABLAZE_UNROLL
      for (int i = 0; i < kPoints; ++i) out[i].store(to + (i * kPoints + j) * plane + lane);
    }
  }
}

/// One input block of all tiles in the chunk.
template <int Side>
void transform_input_block(const Winograd& w, int block) {
  constexpr int kPoints = Side + 2;
  const Conv& c = w.conv;
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(w.in_blocks) * w.tile_stride * kBlock;
  float* to = w.transformed + static_cast<std::ptrdiff_t>(block) * w.tile_stride * kBlock;
  TileWalk at(w);
  for (int t = 0; t < w.tiles; ++t, at.next(), to += kBlock) {
    // A 3x3 window reads two more rows than it computes.
    const int rows = c.out_h + 2 - at.y, columns = c.out_w + 2 - at.x;
    const float* from = c.in.data + at.image * c.in.batch + block * c.in.block +
                        (at.y - c.padding_h) * c.in.row + (at.x - c.padding_w) * kBlock;
    if (rows >= kPoints && columns >= kPoints) {
      transform_input_tile<Side, true>(from, c.in.row, kPoints, kPoints, to, plane);
    } else {
      transform_input_tile<Side, false>(from, c.in.row, rows, columns, to, plane);
    }
  }
}

void winograd_input(const Winograd& w, int block) {
  if (w.side == 4) return transform_input_block<4>(w, block);
  transform_input_block<2>(w, block);
}

/// An item: one of the (m + 2)^2 products, one group of output blocks, all tiles in the chunk.
void winograd_multiply(const Winograd& w, int item) {
  const OutGroup& group = w.conv.groups[item % w.conv.group_count];
  const int tap = item / w.conv.group_count;
  const std::ptrdiff_t block = static_cast<std::ptrdiff_t>(w.tile_stride) * kBlock;
  Conv product;  // the tiles are the pixels of one row
  product.in.block = block;
  product.out.block = block;
  const TileFunction* functions = tile_functions(product, group.blocks, 1);
  Tile t{};
  t.first = t.last = true;
  t.weights = w.conv.weights + tap * w.tap_weights + group.weights;
  t.bias = w.zeros;
  t.in_blocks = w.in_blocks;
  const float* in = w.transformed + tap * w.in_blocks * block;
  float* out = w.products + (static_cast<std::ptrdiff_t>(tap) * w.out_blocks + group.first_block) * block;
  const int parts = (w.tiles + kTilePixels - 1) / kTilePixels;
  for (int part = 0; part < parts; ++part) {
    const int x = part * w.tiles / parts, next = (part + 1) * w.tiles / parts;
    t.in = in + x * kBlock;
    t.out = out + x * kBlock;
    functions[next - x](product, t);
  }
}

/// One tile of one block: inverse transform and epilogue; `rows` x `columns` of it lie inside the output.
template <int Side>
inline void transform_output_tile(const Winograd& w, const float* from, std::ptrdiff_t plane,
                                  const float* bias, const float* base, std::ptrdiff_t out,
                                  std::ptrdiff_t residual, std::ptrdiff_t before_relu, int rows,
                                  int columns) {
  constexpr int kPoints = Side + 2;
  const Conv& c = w.conv;
  for (int lane = 0; lane < kBlock; lane += Vector::width) {
    Vector half[Side][kPoints];
    ABLAZE_UNROLL
    for (int j = 0; j < kPoints; ++j) {
      Vector m[kPoints], column[Side];
      ABLAZE_UNROLL
      for (int i = 0; i < kPoints; ++i) m[i] = Vector::load(from + (i * kPoints + j) * plane + lane);
      transform_output(m, column);
      ABLAZE_UNROLL
      for (int i = 0; i < Side; ++i) half[i][j] = column[i];
    }
    const Vector zero = Vector::all(0), shift = bias != nullptr ? Vector::load(bias + lane) : zero;
    Vector above[Side];  // the previous row, for the pool
    ABLAZE_UNROLL
    for (int j = 0; j < Side; ++j) above[j] = zero;
    ABLAZE_UNROLL
    for (int i = 0; i < Side; ++i) {
      Vector y[Side];
      transform_output(half[i], y);
      if (i >= rows) continue;
      ABLAZE_UNROLL
      for (int j = 0; j < Side; ++j) {
        if (j >= columns) continue;
        Vector value = y[j] + shift;
        const std::ptrdiff_t pixel = j * kBlock + lane;
        if (c.residual.data != nullptr)
          value = value + Vector::load(c.residual.data + residual + i * c.residual.row + pixel);
        if (c.before_relu.data != nullptr)
          value.store(c.before_relu.data + before_relu + i * c.before_relu.row + pixel);
        if (base != nullptr) {
          value = through_relu(c.base, Vector::load(base + i * c.base.row + pixel), value);
        } else if (c.relu) {
          value = max(zero, value);
        }
        if (!w.pool) value.store(c.out.data + out + i * c.out.row + pixel);
        y[j] = value;
      }
      if (!w.pool) continue;
      ABLAZE_UNROLL
      for (int j = 0; j < Side; j += 2) {
        const Vector pair = max(y[j], y[j + 1]);
        if (i % 2 == 1 && j + 1 < columns) {
          max(above[j], pair).store(c.out.data + out + i / 2 * c.out.row + j / 2 * kBlock + lane);
        }
        above[j] = pair;
      }
    }
  }
}

/// One output block of all tiles in the chunk. The first tile of an image also writes its border.
template <int Side>
void transform_output_block(const Winograd& w, int block) {
  const Conv& c = w.conv;
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(w.out_blocks) * w.tile_stride * kBlock;
  const float* from = w.products + static_cast<std::ptrdiff_t>(block) * w.tile_stride * kBlock;
  const int shrink = w.pool ? 2 : 1;
  const auto offset_of = [&](const auto& p, int image, int y, int x) {
    return image * p.batch + block * p.block + y * p.row + static_cast<std::ptrdiff_t>(x) * kBlock;
  };
  TileWalk at(w);
  for (int t = 0; t < w.tiles; ++t, at.next(), from += kBlock) {
    transform_output_tile<Side>(
        w, from, plane, c.bias != nullptr ? c.bias + block * kBlock : nullptr,
        c.base.data != nullptr ? c.base.data + offset_of(c.base, at.image, at.y, at.x) : nullptr,
        offset_of(c.out, at.image, at.y / shrink, at.x / shrink), offset_of(c.residual, at.image, at.y, at.x),
        offset_of(c.before_relu, at.image, at.y, at.x), smaller(Side, c.out_h - at.y),
        smaller(Side, c.out_w - at.x));
    if (at.y != 0 || at.x != 0) continue;
    zero_border(c.out, c.out.data + offset_of(c.out, at.image, 0, 0), 0, c.out_h / shrink, c.out_h / shrink,
                c.out_w / shrink);
    if (c.before_relu.data != nullptr) {
      zero_border(c.before_relu, c.before_relu.data + offset_of(c.before_relu, at.image, 0, 0), 0, c.out_h,
                  c.out_h, c.out_w);
    }
  }
}

void winograd_output(const Winograd& w, int block) {
  if (w.side == 4) return transform_output_block<4>(w, block);
  transform_output_block<2>(w, block);
}

/// An item: a few tiles from input to output, in scratch memory that stays in the core's cache.
void winograd_block(const Winograd& whole, int item, float* scratch) {
  Winograd w = whole;
  w.first_tile = whole.first_tile + item * whole.tile_stride;
  w.tiles = smaller(whole.tile_stride, whole.first_tile + whole.tiles - w.first_tile);
  w.transformed = scratch;
  w.products = scratch + static_cast<std::ptrdiff_t>(w.taps) * w.in_blocks * w.tile_stride * kBlock;
  for (int block = 0; block < w.in_blocks; ++block) winograd_input(w, block);
  for (int i = 0; i < w.taps * w.conv.group_count; ++i) winograd_multiply(w, i);
  for (int block = 0; block < w.out_blocks; ++block) winograd_output(w, block);
}

}  // namespace
}  // namespace ablaze::kernels
