// A gradient's way back through pools and linear layers. Convolutions' gradients are convolutions themselves
// and go through the convolutions' kernels.
#pragma once

#include "kernels/isa_plain.hpp"

namespace ablaze::kernels {
namespace {

/// An item of a pool's way back: one plane.
struct PullPlane {
  const float* in;
  const float* base;
  float* out;
};

PullPlane pull_plane(const PoolPull& p, int item) {
  const int image = item / p.blocks, block = item % p.blocks;
  const auto at = [&](const auto& place) { return place.data + image * place.batch + block * place.block; };
  return {at(p.in), p.base.data != nullptr ? at(p.base) : nullptr, at(p.out)};
}

/// Each window's gradient goes to the first of its largest values, in the order of rows; windows may overlap.
void max_pool_pull(const PoolPull& p, int item) {
  const PullPlane plane = pull_plane(p, item);
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

/// Adds up what each pixel's windows give it. rows(y), columns(x): the windows that hold it; part(p, q): what
/// window (p, q)'s gradient is multiplied by.
template <class Rows, class Columns, class Part>
void pull_averages(const PoolPull& p, int item, Rows rows, Columns columns, Part part) {
  const PullPlane plane = pull_plane(p, item);
  for (int y = 0; y < p.out_h; ++y) {
    const Windows above = rows(y);
    for (int x = 0; x < p.out_w; ++x) {
      const Windows beside = columns(x);
      for (int lane = 0; lane < kBlock; lane += Vector::width) {
        Vector sum = Vector::all(0);
        for (int i = above.begin; i < above.end; ++i) {
          for (int j = beside.begin; j < beside.end; ++j) {
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

void average_pool_pull(const PoolPull& p, int item) {
  const auto windows = [](int at, int kernel, int stride, int padding, int count) {
    const int first = at + padding - kernel + 1;  // the least begin of a window that reaches `at`
    return Windows{first > 0 ? (first + stride - 1) / stride : 0,
                   smaller((at + padding) / stride + 1, count)};
  };
  const auto taps = [&](int window, int kernel, int stride, int padding, int extent) {
    const int begin = window * stride - padding, end = begin + kernel;
    return p.count_include_pad ? smaller(end, extent + padding) - begin
                               : smaller(end, extent) - larger(begin, 0);
  };
  pull_averages(
      p, item, [&](int y) { return windows(y, p.kernel_h, p.stride_h, p.padding_h, p.in_h); },
      [&](int x) { return windows(x, p.kernel_w, p.stride_w, p.padding_w, p.in_w); },
      [&](int i, int j) {
        return 1.0F / static_cast<float>(taps(i, p.kernel_h, p.stride_h, p.padding_h, p.out_h) *
                                         taps(j, p.kernel_w, p.stride_w, p.padding_w, p.out_w));
      });
}

void adaptive_average_pool_pull(const PoolPull& p, int item) {
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
  pull_averages(
      p, item, [&](int y) { return windows(y, p.out_h, p.in_h); },
      [&](int x) { return windows(x, p.out_w, p.in_w); },
      [&](int i, int j) {
        return 1.0F / static_cast<float>(taps(i, p.out_h, p.in_h) * taps(j, p.out_w, p.in_w));
      });
}

// A tile of a linear layer's way back: so many images times so many of a block's features. The lanes of a sum
// are outputs, each of which adds up its own part first.
constexpr int kPullImages = Vector::registers >= 32 ? 4 : 2;
constexpr int pull_features(int images) {
  if (images > 1) return 4;
  return Vector::registers >= 32 ? 16 : 8;
}

/// What one group of outputs adds to a tile. weights: [features][Blocks * 16]; `ahead`: those of the next
/// group.
template <int Blocks, int Images>
void pull_group(const LinearPull& l, const float* weights, const float* ahead, const float* g,
                Vector (&sum)[Images][pull_features(Images)]) {
  constexpr int kFeatures = pull_features(Images);
  constexpr int kLanes = Blocks * kBlock;
  constexpr int kLine = 16;
  for (int line = 0; line < kFeatures * kLanes; line += kLine) __builtin_prefetch(ahead + line);
  for (int b = 0; b < Blocks; ++b) {
    for (int lane = 0; lane < kBlock; lane += Vector::width) {
      Vector from[Images];
      ABLAZE_UNROLL
      for (int n = 0; n < Images; ++n) from[n] = Vector::load(g + b * l.in.block + n * kBlock + lane);
      ABLAZE_UNROLL
      for (int i = 0; i < kFeatures; ++i) {
        const Vector weight = Vector::load(weights + i * kLanes + b * kBlock + lane);
        ABLAZE_UNROLL
        for (int n = 0; n < Images; ++n) sum[n][i] = multiply_add(weight, from[n], sum[n][i]);
      }
    }
  }
}

/// Some features of one block for a few images: to[image * 16 + feature].
template <int Images>
void pull_features_of(const LinearPull& l, int block, int first, int image, float* to) {
  constexpr int kFeatures = pull_features(Images);
  Vector sum[Images][kFeatures];
  ABLAZE_UNROLL
  for (int n = 0; n < Images; ++n) {
    ABLAZE_UNROLL
    for (int i = 0; i < kFeatures; ++i) sum[n][i] = Vector::all(0);
  }
  const auto weights_of = [&](const OutGroup& group) {
    return l.weights + group.weights +
           (static_cast<std::ptrdiff_t>(block) * kBlock + first) * group.blocks * kBlock;
  };
  for (int g = 0; g < l.group_count; ++g) {
    const OutGroup& group = l.groups[g];
    const float* weights = weights_of(group);
    const float* ahead = g + 1 < l.group_count ? weights_of(l.groups[g + 1]) : weights;
    const float* from = l.in.data + group.first_block * l.in.block + image * kBlock;
    if (group.blocks == kTileBlocks) {
      pull_group<kTileBlocks, Images>(l, weights, ahead, from, sum);
    } else {
      pull_group<1, Images>(l, weights, ahead, from, sum);
    }
  }
  for (int n = 0; n < Images; ++n) {
    for (int i = 0; i < kFeatures; ++i) {
      alignas(64) float lanes[Vector::width];
      sum[n][i].store(lanes);
      float total = 0;
      for (const float lane : lanes) total += lane;
      to[n * kBlock + first + i] = total;
    }
  }
}

/// One block of features for a few images.
template <int Images>
void linear_pull_tile(const LinearPull& l, int block, int image) {
  alignas(64) float sums[Images * kBlock];
  for (int first = 0; first < kBlock; first += pull_features(Images))
    pull_features_of<Images>(l, block, first, image, sums);
  for (int n = image; n < image + Images; ++n) {
    for (int lane = 0; lane < kBlock; lane += Vector::width) {
      Vector y = Vector::load(sums + (n - image) * kBlock + lane);
      if (l.base.data != nullptr) {
        const float* base = l.base.data + block * l.base.block + n * l.base.pixel + lane;
        y = through_relu(l.base, Vector::load(base), y);
      }
      y.store(l.out.data + block * l.out.block + n * kBlock + lane);
    }
  }
}

void linear_pull(const LinearPull& l, int block) {
  int image = 0;
  for (; image + kPullImages <= l.batch; image += kPullImages) linear_pull_tile<kPullImages>(l, block, image);
  for (; image < l.batch; ++image) linear_pull_tile<1>(l, block, image);
}

}  // namespace
}  // namespace ablaze::kernels
