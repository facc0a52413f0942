// Backward passes of pools and linear layers. Gradients of convolutions are convolutions and use their
// kernels.
#pragma once

#include "kernels/isa_plain.hpp"

namespace ablaze::kernels {
namespace {

/// An item of a pool's backward pass: one plane.
struct BackwardPlane {
  const float* in;
  const float* base;
  float* out;
};

BackwardPlane backward_plane(const PoolBackward& p, int item) {
  const int image = item / p.blocks, block = item % p.blocks;
  const auto at = [&](const auto& buffer) {
    return buffer.data + image * buffer.batch + block * buffer.block;
  };
  return {at(p.in), p.base.data != nullptr ? at(p.base) : nullptr, at(p.out)};
}

/// Each window's gradient goes to its first maximum in row-major order; windows may overlap.
void max_pool_backward(const PoolBackward& p, int item) {
  const BackwardPlane plane = backward_plane(p, item);
  const Vector zero = Vector::all(0);
  for (int y = 0; y < p.out_h; ++y) zero_pixels(plane.out + y * p.out.row, p.out_w);
  for (int y = 0; y < p.in_h; ++y) {
    const int top = y * p.stride_h - p.padding_h;
    const Taps rows = taps_inside(top, p.kernel_h, p.dilation_h, p.out_h);
    for (int x = 0; x < p.in_w; ++x) {
      const int left = x * p.stride_w - p.padding_w;
      const Taps columns = taps_inside(left, p.kernel_w, p.dilation_w, p.out_w);
      for (int lane = 0; lane < kBlock; lane += Vector::width) {
        const auto for_each_tap = [&](auto&& visit) {
          for (int i = rows.begin; i < rows.end; ++i) {
            for (int j = columns.begin; j < columns.end; ++j)
              visit(top + i * p.dilation_h, (left + j * p.dilation_w) * kBlock + lane);
          }
        };
        const auto value = [&](int row, int at) { return Vector::load(plane.base + row * p.base.row + at); };
        Vector best = Vector::all(-__builtin_inff());
        for_each_tap([&](int row, int at) { best = max(best, value(row, at)); });
        Vector left_over = Vector::load(plane.in + y * p.in.row + x * kBlock + lane);
        if (p.base.gates) left_over = select_greater(best, zero, left_over, zero);
        for_each_tap([&](int row, int at) {
          const Vector own = value(row, at);
          float* to = plane.out + row * p.out.row + at;
          (Vector::load(to) + select_greater(best, own, zero, left_over)).store(to);
          left_over = select_greater(best, own, left_over, zero);
        });
      }
    }
  }
  zero_border(p.out, plane.out, 0, p.out_h, p.out_h, p.out_w);
}

/// Windows along one axis: [begin, end).
struct Windows {
  int begin, end;
};

/// Sums the contributions of each pixel's windows. rows(y), columns(x): the windows that contain it; part(p,
/// q): the factor of window (p, q)'s gradient.
template <class Rows, class Columns, class Part>
void averages_backward(const PoolBackward& p, int item, Rows rows, Columns columns, Part part) {
  const BackwardPlane plane = backward_plane(p, item);
  for (int y = 0; y < p.out_h; ++y) {
    const Windows rows_of_y = rows(y);
    for (int x = 0; x < p.out_w; ++x) {
      const Windows columns_of_x = columns(x);
      for (int lane = 0; lane < kBlock; lane += Vector::width) {
        Vector sum = Vector::all(0);
        for (int i = rows_of_y.begin; i < rows_of_y.end; ++i) {
          for (int j = columns_of_x.begin; j < columns_of_x.end; ++j) {
            sum = multiply_add(Vector::load(plane.in + i * p.in.row + j * kBlock + lane),
                               Vector::all(part(i, j)), sum);
          }
        }
        sum.store(plane.out + y * p.out.row + x * kBlock + lane);
      }
    }
  }
  zero_border(p.out, plane.out, 0, p.out_h, p.out_h, p.out_w);
}

void average_pool_backward(const PoolBackward& p, int item) {
  const auto windows = [](int at, int kernel, int stride, int padding, int count) {
    const int first = at + padding - kernel + 1;  // the least begin of a window that contains `at`
    return Windows{first > 0 ? (first + stride - 1) / stride : 0,
                   smaller((at + padding) / stride + 1, count)};
  };
  const auto taps = [&](int window, int kernel, int stride, int padding, int after, int extent) {
    const int begin = window * stride - padding, end = begin + kernel;
    return p.count_include_pad ? smaller(end, extent + after) - begin
                               : smaller(end, extent) - larger(begin, 0);
  };
  averages_backward(
      p, item, [&](int y) { return windows(y, p.kernel_h, p.stride_h, p.padding_h, p.in_h); },
      [&](int x) { return windows(x, p.kernel_w, p.stride_w, p.padding_w, p.in_w); },
      [&](int i, int j) {
        return 1.0F /
               static_cast<float>(taps(i, p.kernel_h, p.stride_h, p.padding_h, p.padding_below, p.out_h) *
                                  taps(j, p.kernel_w, p.stride_w, p.padding_w, p.padding_right, p.out_w));
      });
}

void adaptive_average_pool_backward(const PoolBackward& p, int item) {
  // Window i is [window_begin(i), window_end(i)) of the pool's input, which is `out` here.
  const auto windows = [](int at, int extent, int count) {
    int begin = static_cast<int>(static_cast<long long>(at) * count / extent);
    while (begin > 0 && window_end(begin - 1, extent, count) > at) --begin;
    int end = begin;
    while (end < count && window_begin(end, extent, count) <= at) ++end;
    return Windows{begin, end};
  };
  const auto taps = [](int i, int extent, int count) {
    return window_end(i, extent, count) - window_begin(i, extent, count);
  };
  averages_backward(
      p, item, [&](int y) { return windows(y, p.out_h, p.in_h); },
      [&](int x) { return windows(x, p.out_w, p.in_w); },
      [&](int i, int j) {
        return 1.0F / static_cast<float>(taps(i, p.out_h, p.in_h) * taps(j, p.out_w, p.in_w));
      });
}

// A linear layer's backward pass reads each group's weights in memory order, kBackwardBlocks blocks of
// features at a time, and accumulates into sums that stay in a near cache: one vector per feature, whose
// lanes are outputs.
constexpr int kBackwardImages = 2;
constexpr int kBackwardFeatures = kBackwardBlocks * kBlock;
constexpr int kBackwardAhead =
    32;  // prefetch distance in features; at the end of a stretch, the next group's
using BackwardSums = float[kBackwardImages * kBackwardFeatures * Vector::width];

/// Adds one group of outputs to the sums [image][feature][lane]. weights: [features][Blocks * 16]; next:
/// those of the next group.
template <int Blocks, int Images>
void backward_group(const LinearBackward& l, const float* weights, const float* next, const float* g,
                    int features, float* sums) {
  constexpr int kVectorsOf = Blocks * kVectors;
  constexpr int kLanes = Blocks * kBlock;
  constexpr int kLine = 16;
  Vector from[Images][kVectorsOf];
  ABLAZE_UNROLL
  for (int n = 0; n < Images; ++n) {
    ABLAZE_UNROLL
    for (int v = 0; v < kVectorsOf; ++v) {
      const float* block = g + v / kVectors * l.in.block + n * kBlock;
      from[n][v] = Vector::load(block + v % kVectors * Vector::width);
    }
  }
  for (int i = 0; i < features; ++i, weights += kLanes) {
    const int beyond = i + kBackwardAhead - features;
    const float* ahead = beyond < 0 ? weights + kBackwardAhead * kLanes
                                    : next + static_cast<std::ptrdiff_t>(smaller(beyond, i)) * kLanes;
    for (int lane = 0; lane < kLanes; lane += kLine) __builtin_prefetch(ahead + lane);
    Vector weight[kVectorsOf];
    ABLAZE_UNROLL
    for (int v = 0; v < kVectorsOf; ++v) weight[v] = Vector::load(weights + v * Vector::width);
    ABLAZE_UNROLL
    for (int n = 0; n < Images; ++n) {
      float* to = sums + (n * kBackwardFeatures + i) * Vector::width;
      Vector sum = Vector::load(to);
      ABLAZE_UNROLL
      for (int v = 0; v < kVectorsOf; ++v) sum = multiply_add(weight[v], from[n][v], sum);
      sum.store(to);
    }
  }
}

/// Reduces a block's sums over the lanes and applies the ReLU's backward pass.
void finish_backward(const LinearBackward& l, const float* sums, int block, int image) {
  alignas(64) float totals[kBlock];
  for (int i = 0; i < kBlock; ++i) {
    totals[i] = 0;
    for (int lane = 0; lane < Vector::width; ++lane) totals[i] += sums[i * Vector::width + lane];
  }
  for (int lane = 0; lane < kBlock; lane += Vector::width) {
    Vector y = Vector::load(totals + lane);
    if (l.base.data != nullptr) {
      const float* base = l.base.data + block * l.base.block + image * l.base.pixel + lane;
      y = through_relu(l.base, Vector::load(base), y);
    }
    y.store(l.out.data + block * l.out.block + image * kBlock + lane);
  }
}

/// Some blocks of features for a few images.
template <int Images>
void backward_stretch(const LinearBackward& l, int begin, int end, int image, float* sums) {
  const int features = (end - begin) * kBlock;
  for (int n = 0; n < Images; ++n) {
    for (int i = 0; i < features; ++i)
      Vector::all(0).store(sums + (n * kBackwardFeatures + i) * Vector::width);
  }
  const auto weights_of = [&](const OutGroup& group) {
    return l.weights + group.weights + static_cast<std::ptrdiff_t>(begin) * kBlock * group.blocks * kBlock;
  };
  for (int g = 0; g < l.group_count; ++g) {
    const OutGroup& group = l.groups[g];
    const float* weights = weights_of(group);
    const float* next = g + 1 < l.group_count ? weights_of(l.groups[g + 1]) : weights;
    const float* from = l.in.data + group.first_block * l.in.block + image * kBlock;
    if (group.blocks == kTileBlocks) {
      backward_group<kTileBlocks, Images>(l, weights, next, from, features, sums);
    } else {
      backward_group<1, Images>(l, weights, next, from, features, sums);
    }
  }
  for (int n = 0; n < Images; ++n) {
    for (int block = begin; block < end; ++block) {
      finish_backward(l, sums + (n * kBackwardFeatures + (block - begin) * kBlock) * Vector::width, block,
                      image + n);
    }
  }
}

void linear_backward(const LinearBackward& l, int item) {
  alignas(64) BackwardSums sums;
  const int begin = item * kBackwardBlocks, end = smaller(begin + kBackwardBlocks, l.blocks);
  int image = 0;
  for (; image + kBackwardImages <= l.batch; image += kBackwardImages)
    backward_stretch<kBackwardImages>(l, begin, end, image, sums);
  for (; image < l.batch; ++image) backward_stretch<1>(l, begin, end, image, sums);
}

}  // namespace
}  // namespace ablaze::kernels
