#pragma once

// Backward passes of the operators in plain loops over row-major NCHW arrays: the counterpart of
// reference.hpp, for readers and for the tests of the fast kernels (in float64). `g` is dy/d output; the
// result is dy/d input.

#include "kernels/reference.hpp"

namespace ablaze::kernels::reference {

/// Calls visit(output element, input element, tap) for every tap of every window that lies inside the input.
template <class Visit>
void for_each_tap(Extent4 in, Extent4 out, const Window& w, Visit visit) {
  for (std::int64_t plane = 0; plane < out.n * out.c; ++plane) {
    for (std::int64_t p = 0; p < out.h; ++p) {
      for (std::int64_t q = 0; q < out.w; ++q) {
        for (int i = 0; i < w.kernel_h; ++i) {
          for (int j = 0; j < w.kernel_w; ++j) {
            const std::int64_t r = p * w.stride_h + i * w.dilation_h - w.padding_h;
            const std::int64_t s = q * w.stride_w + j * w.dilation_w - w.padding_w;
            if (r < 0 || r >= in.h || s < 0 || s >= in.w) continue;
            visit((plane * out.h + p) * out.w + q, (plane * in.h + r) * in.w + s, i * w.kernel_w + j);
          }
        }
      }
    }
  }
}

/// weight: [O, C / groups, kh, kw]
template <class T>
std::vector<T> conv2d_backward(std::span<const T> g, Extent4 in, std::span<const T> weight, Extent4 out,
                               const Window& w, int groups) {
  std::vector<T> back(in.size());
  const std::int64_t group_in = in.c / groups, group_out = out.c / groups, taps = w.kernel_h * w.kernel_w;
  const Extent4 in_plane{1, 1, in.h, in.w}, out_plane{1, 1, out.h, out.w};
  for (std::int64_t n = 0; n < out.n; ++n) {
    for (std::int64_t o = 0; o < out.c; ++o) {
      for (std::int64_t c = 0; c < group_in; ++c) {
        const T* filter = &weight[(o * group_in + c) * taps];
        const T* from = &g[out.at(n, o, 0, 0)];
        T* to = &back[in.at(n, o / group_out * group_in + c, 0, 0)];
        for_each_tap(in_plane, out_plane, w,
                     [&](std::int64_t y, std::int64_t x, int tap) { to[x] += filter[tap] * from[y]; });
      }
    }
  }
  return back;
}

/// weight: [o, k]; g: [n, o]
template <class T>
std::vector<T> linear_backward(std::span<const T> g, std::span<const T> weight, std::int64_t n,
                               std::int64_t k, std::int64_t o) {
  std::vector<T> back(n * k);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < o; ++j) {
      for (std::int64_t m = 0; m < k; ++m) back[i * k + m] += weight[j * k + m] * g[i * o + j];
    }
  }
  return back;
}

/// Each window's gradient goes to its maximum, the first of equal ones. x: the pool's input.
template <class T>
std::vector<T> max_pool_backward(std::span<const T> g, std::span<const T> x, Extent4 in, Extent4 out,
                                 const Window& w) {
  std::vector<std::int64_t> winner(out.size(), -1);
  for_each_tap(in, out, w, [&](std::int64_t y, std::int64_t at, int) {
    std::int64_t& best = winner[y];
    if (best < 0 || x[at] > x[best]) best = at;
  });
  std::vector<T> back(in.size());
  for (std::size_t y = 0; y < winner.size(); ++y) back[winner[y]] += g[y];
  return back;
}

/// Each window's gradient goes to its taps in equal parts; the divisor is average_pool's.
template <class T>
std::vector<T> average_pool_backward(std::span<const T> g, Extent4 in, Extent4 out, const Window& w,
                                     bool count_include_pad) {
  const std::vector<T> ones(in.h * in.w, T{1});
  const Extent4 in_plane{1, 1, in.h, in.w}, out_plane{1, 1, out.h, out.w};
  // The mean of ones: taps inside the input divided by the divisor.
  const std::vector<T> share =
      average_pool(std::span<const T>(ones), in_plane, out_plane, w, count_include_pad);
  std::vector<T> inside(share.size());
  for_each_tap(in_plane, out_plane, w, [&](std::int64_t y, std::int64_t, int) { inside[y] += 1; });
  std::vector<T> back(in.size());
  for_each_tap(in, out, w, [&](std::int64_t y, std::int64_t x, int) {
    const std::size_t window = static_cast<std::size_t>(y) % share.size();
    back[x] += g[y] * share[window] / inside[window];
  });
  return back;
}

template <class T>
std::vector<T> adaptive_average_pool_backward(std::span<const T> g, Extent4 in, Extent4 out) {
  std::vector<T> back(in.size());
  for (std::int64_t plane = 0; plane < out.n * out.c; ++plane) {
    for (std::int64_t p = 0; p < out.h; ++p) {
      for (std::int64_t q = 0; q < out.w; ++q) {
        const std::int64_t top = p * in.h / out.h, bottom = ((p + 1) * in.h + out.h - 1) / out.h;
        const std::int64_t left = q * in.w / out.w, right = ((q + 1) * in.w + out.w - 1) / out.w;
        const T part = g[(plane * out.h + p) * out.w + q] / static_cast<T>((bottom - top) * (right - left));
        for (std::int64_t r = top; r < bottom; ++r) {
          for (std::int64_t s = left; s < right; ++s) back[(plane * in.h + r) * in.w + s] += part;
        }
      }
    }
  }
  return back;
}

}  // namespace ablaze::kernels::reference
