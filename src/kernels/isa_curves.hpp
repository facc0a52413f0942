// Elementwise curves (activation functions): on values, on changes of values and in the backward pass.
#pragma once

#include "kernels/isa_common.hpp"

namespace ablaze::kernels {
namespace {

inline Vector clamp(Vector x, Vector low, Vector high) {  // propagates NaN
  x = max(low, x);
  return select_greater(x, high, high, x);
}

/// c[0] + c[1] x + c[2] x^2 + ...
template <int Count>
Vector polynomial(const float (&c)[Count], Vector x) {
  Vector sum = Vector::all(c[Count - 1]);
  ABLAZE_UNROLL
  for (int i = Count - 2; i >= 0; --i) sum = multiply_add(sum, x, Vector::all(c[i]));
  return sum;
}

/// x P(x^2) / Q(x^2), fitted to tanh on [0, 9] for the least relative error (2e-8; 4e-7 with float32's
/// rounding), and exactly 1 beyond: a large factor may multiply its distance from 1. The odd form keeps the
/// digits of small arguments.
inline Vector tanh(Vector x) {
  constexpr float p[] = {0.999999979F, 0.133810212F, 3.49558287e-3F, 2.06089972e-5F, 1.33545477e-8F};
  constexpr float q[] = {1.0F, 0.467143368F, 2.58769622e-2F, 3.28562627e-4F, 7.77651077e-7F};
  const Vector end = Vector::all(9), start = Vector::all(-9);
  const Vector inside = clamp(x, start, end), square = inside * inside;
  const Vector y = inside * polynomial(p, square) / polynomial(q, square);
  return select_greater(x, end, Vector::all(1), select_greater(start, x, Vector::all(-1), y));
}

/// 1 - tanh(x)^2, the slope of tanh. Where tanh is near 1, the plain difference has no digits left, but that
/// of a quarter of the argument still has. For twice an argument y, with s = 1 - tanh(y)^2 and hence
/// 1 + tanh(y)^2 = 2 - s, it is (s / (2 - s))^2.
inline Vector tanh_slope(Vector x) {
  const Vector one = Vector::all(1), t = tanh(x * Vector::all(0.25F)), square = t * t;
  const Vector quarter = (one - square) / (one + square), half = quarter * quarter;
  const Vector whole = half / (Vector::all(2) - half);
  return whole * whole;
}

// Each curve f has value(x) = f(x); change(x, d) = f(x + d) - f(x), computed without subtracting two near
// numbers; and slope(x) = f'(x).

struct Sigmoid {
  static Vector half(Vector x) { return x * Vector::all(0.5F); }
  static Vector value(Vector x) {
    return multiply_add(half(tanh(half(x))), Vector::all(1), Vector::all(0.5F));
  }
  /// Uses tanh a - tanh b = tanh(a - b) (1 - tanh a tanh b).
  static Vector change(Vector x, Vector d) {
    return half(tanh(half(d))) * (Vector::all(1) - tanh(half(x + d)) * tanh(half(x)));
  }
  static Vector slope(Vector x) { return tanh_slope(half(x)) * Vector::all(0.25F); }
};

struct Clip {
  Vector scale, shift, low, high;
  explicit Clip(const Curve& c)
      : scale(Vector::all(c.scale)),
        shift(Vector::all(c.shift)),
        low(Vector::all(c.low)),
        high(Vector::all(c.high)) {}
  Vector value(Vector x) const { return clamp(multiply_add(x, scale, shift), low, high); }
  Vector change(Vector x, Vector d) const {
    const Vector t = multiply_add(x, scale, shift);
    return clamp(d * scale, low - t, high - t) + (t - clamp(t, low, high));
  }
  Vector slope(Vector x) const {
    const Vector t = multiply_add(x, scale, shift), zero = Vector::all(0);
    return select_greater(t, low, select_greater(high, t, scale, zero), zero);
  }
};

struct Tanh {
  static Vector value(Vector x) { return tanh(x); }
  static Vector change(Vector x, Vector d) { return tanh(d) * (Vector::all(1) - tanh(x + d) * tanh(x)); }
  static Vector slope(Vector x) { return tanh_slope(x); }
};

/// Rare, hence computed per lane, in float64: its difference of two values keeps float32's digits.
struct PerLane {
  const Curve& curve;
  double at(double x) const { return curve.formula->value(x, curve.a, curve.b); }
  template <class Function>
  static Vector lanes(Vector x, Vector d, Function f) {
    float xs[Vector::width], ds[Vector::width];
    x.store(xs), d.store(ds);
    for (int i = 0; i < Vector::width; ++i)
      xs[i] = static_cast<float>(f(static_cast<double>(xs[i]), static_cast<double>(ds[i])));
    return Vector::load(xs);
  }
  Vector value(Vector x) const {
    return lanes(x, x, [this](double v, double) { return at(v); });
  }
  Vector change(Vector x, Vector d) const {
    return lanes(x, d, [this](double v, double by) { return at(v + by) - at(v); });
  }
  Vector slope(Vector x) const {
    return lanes(x, x, [this](double v, double) { return curve.formula->slope(v, curve.a, curve.b); });
  }
};

/// x f(x)
template <class F>
struct TimesX {
  F f;
  Vector value(Vector x) const { return x * f.value(x); }
  Vector change(Vector x, Vector d) const { return multiply_add(d, f.value(x + d), x * f.change(x, d)); }
  Vector slope(Vector x) const { return multiply_add(x, f.slope(x), f.value(x)); }
};

template <class F, class Use>
void with_factor(const Curve& curve, F f, Use use) {
  if (curve.times_x) return use(TimesX<F>{f});
  use(f);
}

/// Calls use(f).
template <class Use>
void with_curve(const Curve& curve, Use use) {
  switch (curve.kind) {
    case Curve::Kind::sigmoid:
      return with_factor(curve, Sigmoid{}, use);
    case Curve::Kind::clip:
      return with_factor(curve, Clip(curve), use);
    case Curve::Kind::tanh:
      return with_factor(curve, Tanh{}, use);
    case Curve::Kind::formula:
      return with_factor(curve, PerLane{curve}, use);
    case Curve::Kind::none:
      return;
  }
}

/// Applies the curve after a convolution to the item's output, which is still in the core's cache.
void curve_rows(const Conv& c, const Share& share, const OutGroup& group) {
  with_curve(c.curve, [&](const auto& f) {
    for (int b = 0; b < group.blocks; ++b) {
      float* plane = c.out.data + share.image * c.out.batch + (group.first_block + b) * c.out.block;
      for (int y = share.y0; y < share.y1; ++y) {
        float* row = plane + y * c.out.row;
        for (int i = 0; i < c.out_w * kBlock; i += Vector::width)
          f.value(Vector::load(row + i)).store(row + i);
      }
    }
  });
}

/// a b, or its change for the changes of a and b: a' b' + a' b + a b', with a' and b' the changes and a and b
/// the original run's values. Backward: g b.
void product(const Product& p, int item) {
  const Share share = share_of(p.split, p.batch, p.blocks, p.h, item);
  const auto row_of = [&](const auto& buffer, int y) {
    return buffer.data == nullptr
               ? nullptr
               : buffer.data + share.image * buffer.batch + share.column * buffer.block + y * buffer.row;
  };
  for (int y = share.y0; y < share.y1; ++y) {
    const float *a = row_of(p.a, y), *b = row_of(p.b, y);
    const float *base_a = row_of(p.base_a, y), *base_b = row_of(p.base_b, y);
    float* out = row_of(p.out, y);
    for (int x = 0; x < p.w; ++x) {
      for (int lane = 0; lane < kBlock; lane += Vector::width) {
        const auto load = [&](const float* from, int pixel) {
          return Vector::load(from + static_cast<std::ptrdiff_t>(x) * pixel + lane);
        };
        const Vector first = load(a, p.a.pixel);
        Vector second = b != nullptr ? load(b, p.b.pixel) : Vector::all(0);
        Vector result = Vector::all(0);
        if (base_a != nullptr) {
          result = load(base_a, p.base_a.pixel) * second;
          second = second + load(base_b, p.base_b.pixel);
        }
        multiply_add(first, second, result).store(out + x * kBlock + lane);
      }
    }
  }
  zero_border(p.out, p.out.data + share.image * p.out.batch + share.column * p.out.block, share.y0, share.y1,
              p.h, p.w);
}

/// The sum of a b over a plane: the gradient of a factor shared by all pixels. An item is a block of an
/// image.
void product_sum(const Product& p, int item) {
  const int image = item / p.blocks, block = item % p.blocks;
  const auto at = [&](const auto& buffer) {
    return buffer.data + image * buffer.batch + block * buffer.block;
  };
  for (int lane = 0; lane < kBlock; lane += Vector::width) {
    Vector total = Vector::all(0);
    for (int y = 0; y < p.h; ++y) {
      const float *a = at(p.a) + y * p.a.row + lane, *b = at(p.b) + y * p.b.row + lane;
      Vector sum = Vector::all(0);
      for (int x = 0; x < p.w; ++x) {
        sum = multiply_add(Vector::load(a + static_cast<std::ptrdiff_t>(x) * p.a.pixel),
                           Vector::load(b + static_cast<std::ptrdiff_t>(x) * p.b.pixel), sum);
      }
      total = total + sum;
    }
    total.store(at(p.out) + lane);
  }
  zero_border(p.out, at(p.out), 0, 1, 1, 1);
}

}  // namespace
}  // namespace ablaze::kernels
