#pragma once

// Definitions of the kernels in plain loops over row-major NCHW arrays: for readers, and for the tests of the
// fast kernels (in float64). Not used at run time.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"

namespace ablaze::kernels::reference {

struct Extent4 {
  std::int64_t n, c, h, w;
  std::int64_t size() const { return n * c * h * w; }
  std::int64_t at(std::int64_t i, std::int64_t k, std::int64_t y, std::int64_t x) const {
    return ((i * c + k) * h + y) * w + x;
  }
};

struct Window {
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0, dilation_h = 1, dilation_w = 1;
  int padding_below = -1, padding_right = -1;  ///< -1: as above and to the left
  int below() const { return padding_below < 0 ? padding_h : padding_below; }
  int right() const { return padding_right < 0 ? padding_w : padding_right; }
};

/// y[n, o, p, q] = bias[o] + sum over c, i, j of weight[o, c, i, j] * x[n, group's c, p s + i d - pad, ...]
/// x: in; weight: [O, C / groups, kh, kw]; bias: [O] or empty. Returns out.size() values.
template <class T>
std::vector<T> conv2d(std::span<const T> x, Extent4 in, std::span<const T> weight, std::span<const T> bias,
                      Extent4 out, const Window& w, int groups) {
  std::vector<T> y(out.size());
  const std::int64_t group_in = in.c / groups, group_out = out.c / groups;
  for (std::int64_t n = 0; n < out.n; ++n) {
    for (std::int64_t o = 0; o < out.c; ++o) {
      for (std::int64_t p = 0; p < out.h; ++p) {
        for (std::int64_t q = 0; q < out.w; ++q) {
          T sum = bias.empty() ? T{0} : bias[o];
          for (std::int64_t c = 0; c < group_in; ++c) {
            for (int i = 0; i < w.kernel_h; ++i) {
              for (int j = 0; j < w.kernel_w; ++j) {
                const std::int64_t r = p * w.stride_h + i * w.dilation_h - w.padding_h;
                const std::int64_t s = q * w.stride_w + j * w.dilation_w - w.padding_w;
                if (r < 0 || r >= in.h || s < 0 || s >= in.w) continue;  // the padding is zeros
                sum += weight[((o * group_in + c) * w.kernel_h + i) * w.kernel_w + j] *
                       x[in.at(n, o / group_out * group_in + c, r, s)];
              }
            }
          }
          y[out.at(n, o, p, q)] = sum;
        }
      }
    }
  }
  return y;
}

/// f(x), or x f(x)
inline double curve(double x, const Curve& c) {
  double y = x;
  if (c.kind == Curve::Kind::sigmoid) y = 1 / (1 + std::exp(-x));
  if (c.kind == Curve::Kind::clip)
    y = std::min(
        std::max(x * static_cast<double>(c.scale) + static_cast<double>(c.shift), static_cast<double>(c.low)),
        static_cast<double>(c.high));
  if (c.kind == Curve::Kind::tanh) y = std::tanh(x);
  if (c.kind == Curve::Kind::formula) y = c.formula->value(x, c.a, c.b);
  return c.times_x ? x * y : y;
}

/// y[n, o] = bias[o] + sum over k of weight[o, k] * x[n, k]
template <class T>
std::vector<T> linear(std::span<const T> x, std::span<const T> weight, std::span<const T> bias,
                      std::int64_t n, std::int64_t k, std::int64_t o) {
  std::vector<T> y(n * o);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < o; ++j) {
      T sum = bias.empty() ? T{0} : bias[j];
      for (std::int64_t m = 0; m < k; ++m) sum += weight[j * k + m] * x[i * k + m];
      y[i * o + j] = sum;
    }
  }
  return y;
}

/// The maximum of each window; padding is ignored.
template <class T>
std::vector<T> max_pool(std::span<const T> x, Extent4 in, Extent4 out, const Window& w) {
  std::vector<T> y(out.size());
  for (std::int64_t plane = 0; plane < out.n * out.c; ++plane) {
    for (std::int64_t p = 0; p < out.h; ++p) {
      for (std::int64_t q = 0; q < out.w; ++q) {
        T best = -std::numeric_limits<T>::infinity();
        for (int i = 0; i < w.kernel_h; ++i) {
          for (int j = 0; j < w.kernel_w; ++j) {
            const std::int64_t r = p * w.stride_h + i * w.dilation_h - w.padding_h;
            const std::int64_t s = q * w.stride_w + j * w.dilation_w - w.padding_w;
            if (r < 0 || r >= in.h || s < 0 || s >= in.w) continue;
            const T value = x[(plane * in.h + r) * in.w + s];
            if (value > best) best = value;
          }
        }
        y[(plane * out.h + p) * out.w + q] = best;
      }
    }
  }
  return y;
}

/// The mean of each window; the divisor counts the taps inside input and padding (count_include_pad), or
/// inside the input only.
template <class T>
std::vector<T> average_pool(std::span<const T> x, Extent4 in, Extent4 out, const Window& w,
                            bool count_include_pad) {
  std::vector<T> y(out.size());
  for (std::int64_t plane = 0; plane < out.n * out.c; ++plane) {
    for (std::int64_t p = 0; p < out.h; ++p) {
      for (std::int64_t q = 0; q < out.w; ++q) {
        T sum = 0;
        int count = 0;
        for (int i = 0; i < w.kernel_h; ++i) {
          for (int j = 0; j < w.kernel_w; ++j) {
            const std::int64_t r = p * w.stride_h + i - w.padding_h;
            const std::int64_t s = q * w.stride_w + j - w.padding_w;
            const bool inside = r >= 0 && r < in.h && s >= 0 && s < in.w;
            const bool padded = r < in.h + w.below() && s < in.w + w.right();
            if (inside) sum += x[(plane * in.h + r) * in.w + s];
            if (inside || (count_include_pad && padded)) ++count;
          }
        }
        y[(plane * out.h + p) * out.w + q] = sum / static_cast<T>(count);
      }
    }
  }
  return y;
}

/// Output channel c is input channel from[c], or zeros where it is -1, at every stride-th row and column.
template <class T>
std::vector<T> channel_map(std::span<const T> x, Extent4 in, std::span<const int> from, int stride_h,
                           int stride_w, Extent4 out) {
  std::vector<T> y(out.size());
  for (std::int64_t n = 0; n < out.n; ++n) {
    for (std::int64_t c = 0; c < out.c; ++c) {
      const std::int64_t source = from[c];
      if (source < 0) continue;
      for (std::int64_t p = 0; p < out.h; ++p) {
        for (std::int64_t q = 0; q < out.w; ++q) {
          y[((n * out.c + c) * out.h + p) * out.w + q] =
              x[((n * in.c + source) * in.h + p * stride_h) * in.w + q * stride_w];
        }
      }
    }
  }
  return y;
}

/// The mean over rows floor(p H / out) .. ceil((p + 1) H / out) and the corresponding columns.
template <class T>
std::vector<T> adaptive_average_pool(std::span<const T> x, Extent4 in, Extent4 out) {
  std::vector<T> y(out.size());
  for (std::int64_t plane = 0; plane < out.n * out.c; ++plane) {
    for (std::int64_t p = 0; p < out.h; ++p) {
      for (std::int64_t q = 0; q < out.w; ++q) {
        const std::int64_t top = p * in.h / out.h, bottom = ((p + 1) * in.h + out.h - 1) / out.h;
        const std::int64_t left = q * in.w / out.w, right = ((q + 1) * in.w + out.w - 1) / out.w;
        T sum = 0;
        for (std::int64_t r = top; r < bottom; ++r) {
          for (std::int64_t s = left; s < right; ++s) sum += x[(plane * in.h + r) * in.w + s];
        }
        y[(plane * out.h + p) * out.w + q] = sum / static_cast<T>((bottom - top) * (right - left));
      }
    }
  }
  return y;
}

}  // namespace ablaze::kernels::reference
