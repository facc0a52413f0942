// Pools and elementwise operators.
#pragma once

#include "kernels/isa_curves.hpp"

namespace ablaze::kernels {
namespace {

/// An item of a pool: rows [y0, y1) of one plane.
struct Plane {
  const float* in;
  const float* base;
  float* out;
  int y0, y1;
};

Plane pool_plane(const Pool& p, int item) {
  const Share share = share_of(p.split, p.batch, p.blocks, p.out_h, item);
  return {p.in.data + share.image * p.in.batch + share.column * p.in.block,
          p.base.data != nullptr ? p.base.data + share.column * p.base.block : nullptr,
          p.out.data + share.image * p.out.batch + share.column * p.out.block, share.y0, share.y1};
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
  for (int y = plane.y0; y < plane.y1; ++y) {
    const int top = y * p.stride_h - p.padding_h;
    const Taps rows = taps_inside(top, p.kernel_h, p.dilation_h, p.in_h);
    for (int x = 0; x < p.out_w; ++x) {
      const int left = x * p.stride_w - p.padding_w;
      const Taps columns = taps_inside(left, p.kernel_w, p.dilation_w, p.in_w);
      for (int lane = 0; lane < kBlock; lane += Vector::width) {
        const auto largest = [&](auto&& value) {
          Vector best = Vector::all(-__builtin_inff());
          for (int i = rows.begin; i < rows.end; ++i) {
            for (int j = columns.begin; j < columns.end; ++j) {
              best = max(best, value(top + i * p.dilation_h, left + j * p.dilation_w));
            }
          }
          return best;
        };
        const auto in = [&](int iy, int ix) {
          return Vector::load(plane.in + iy * p.in.row + ix * kBlock + lane);
        };
        const auto base = [&](int iy, int ix) {
          return Vector::load(plane.base + iy * p.base.row + ix * kBlock + lane);
        };
        Vector best;
        if (plane.base != nullptr) {
          // Subtracting the base's pool from each base value first keeps the change's digits.
          const Vector pooled = largest(base);
          best = largest([&](int iy, int ix) { return (base(iy, ix) - pooled) + in(iy, ix); });
        } else {
          best = largest(in);
        }
        best.store(plane.out + y * p.out.row + x * kBlock + lane);
      }
    }
  }
  zero_border(p.out, plane.out, plane.y0, plane.y1, p.out_h, p.out_w);
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
  for (int y = plane.y0; y < plane.y1; ++y) {
    const int top = y * p.stride_h - p.padding_h;
    const int bottom = smaller(top + p.kernel_h, p.in_h + p.padding_below);
    for (int x = 0; x < p.out_w; ++x) {
      const int left = x * p.stride_w - p.padding_w;
      const int right = smaller(left + p.kernel_w, p.in_w + p.padding_right);
      const int t = larger(top, 0), b = smaller(bottom, p.in_h), l = larger(left, 0),
                r = smaller(right, p.in_w);
      const int count = p.count_include_pad ? (bottom - top) * (right - left) : (b - t) * (r - l);
      average(p, plane, y, x, t, b, l, r, count);
    }
  }
  zero_border(p.out, plane.out, plane.y0, plane.y1, p.out_h, p.out_w);
}

int window_begin(int i, int in, int out) { return static_cast<int>(static_cast<long long>(i) * in / out); }
int window_end(int i, int in, int out) {
  return static_cast<int>((static_cast<long long>(i + 1) * in + out - 1) / out);
}

void adaptive_average_pool(const Pool& p, int item) {
  const Plane plane = pool_plane(p, item);
  for (int y = plane.y0; y < plane.y1; ++y) {
    const int top = window_begin(y, p.in_h, p.out_h), bottom = window_end(y, p.in_h, p.out_h);
    for (int x = 0; x < p.out_w; ++x) {
      const int left = window_begin(x, p.in_w, p.out_w), right = window_end(x, p.in_w, p.out_w);
      average(p, plane, y, x, top, bottom, left, right, (bottom - top) * (right - left));
    }
  }
  zero_border(p.out, plane.out, plane.y0, plane.y1, p.out_h, p.out_w);
}

/// out = finish(in * scale + shift + other, position of the base's number).
template <class Finish>
void elementwise_rows(const Elementwise& e, int item, Finish finish) {
  const Share share = share_of(e.split, e.batch, e.blocks, e.h, item);
  const int n = share.image, block = share.column;
  const auto at = [&](const auto& buffer) { return buffer.data + n * buffer.batch + block * buffer.block; };
  const Vector zero = Vector::all(0);
  for (int y = share.y0; y < share.y1; ++y) {
    const float* in = e.in.data != nullptr ? at(e.in) + y * e.in.row : nullptr;
    const float* other = e.other.data != nullptr ? at(e.other) + y * e.other.row : nullptr;
    float* out = at(e.out) + y * e.out.row;
    const float* base = e.base.data != nullptr ? at(e.base) + y * e.base.row : nullptr;
    float* before_relu = e.before_relu.data != nullptr ? at(e.before_relu) + y * e.before_relu.row : nullptr;
    for (int i = 0; i < e.w * kBlock; i += Vector::width) {
      const int channel = block * kBlock + i % kBlock;
      Vector v = in != nullptr ? Vector::load(in + i) : zero;
      if (e.scale != nullptr)
        v = multiply_add(v, Vector::load(e.scale + channel),
                         e.shift != nullptr ? Vector::load(e.shift + channel) : zero);
      if (other != nullptr) v = v + Vector::load(other + i);
      if (before_relu != nullptr) v.store(before_relu + i);
      finish(v, base != nullptr ? base + i / kBlock * e.base.pixel + i % kBlock : nullptr).store(out + i);
    }
  }
  zero_border(e.out, at(e.out), share.y0, share.y1, e.h, e.w);
  if (e.before_relu.data != nullptr)
    zero_border(e.before_relu, at(e.before_relu), share.y0, share.y1, e.h, e.w);
}

void elementwise(const Elementwise& e, int item) {
  if (e.curve.kind == Curve::Kind::none) {
    return elementwise_rows(e, item, [&e](Vector v, const float* base) {
      if (base != nullptr) return through_relu(e.base, Vector::load(base), v);
      return e.relu ? max(Vector::all(0), v) : v;
    });
  }
  with_curve(e.curve, [&](const auto& f) {
    if (e.base.data == nullptr)
      return elementwise_rows(e, item, [&f](Vector v, const float*) { return f.value(v); });
    if (e.base.gates)
      return elementwise_rows(e, item,
                              [&f](Vector v, const float* base) { return v * f.slope(Vector::load(base)); });
    elementwise_rows(e, item, [&f](Vector v, const float* base) { return f.change(Vector::load(base), v); });
  });
}

}  // namespace
}  // namespace ablaze::kernels
