#include "runtime/program.hpp"

#include <algorithm>

namespace ablaze::runtime {

std::ptrdiff_t Value::row() const {
  if (layout == Layout::features) return static_cast<std::ptrdiff_t>(extent.batch) * kernels::kBlock;
  const int pixel = layout == Layout::planar ? 1 : kernels::kBlock;
  return static_cast<std::ptrdiff_t>(extent.w + 2 * border_x) * pixel;
}

std::ptrdiff_t Value::block() const {
  return layout == Layout::features ? row() : row() * (extent.h + 2 * border_y);
}

std::ptrdiff_t Value::batch() const {
  if (layout == Layout::features) return 0;
  return block() * (layout == Layout::planar ? extent.channels : extent.blocks());
}

Geometry geometry_of(const op::Conv2d& conv) {
  return {static_cast<int>(conv.weight.shape()[2]),
          static_cast<int>(conv.weight.shape()[3]),
          conv.stride[0],
          conv.stride[1],
          conv.padding[0],
          conv.padding[1],
          conv.dilation[0],
          conv.dilation[1]};
}

namespace {

template <class Pool>
Geometry window_of(const Pool& pool) {
  return {pool.kernel[0], pool.kernel[1], pool.stride[0], pool.stride[1], pool.padding[0], pool.padding[1]};
}

}  // namespace

Geometry geometry_of(const op::MaxPool2d& pool) {
  Geometry geometry = window_of(pool);
  geometry.dilation_h = pool.dilation[0], geometry.dilation_w = pool.dilation[1];
  return geometry;
}

Geometry geometry_of(const op::AvgPool2d& pool) { return window_of(pool); }

std::ptrdiff_t Value::floats() const {
  if (layout == Layout::scratch) return scratch_floats;
  return layout == Layout::features ? block() * blocks() : batch() * extent.batch;
}

std::ptrdiff_t Value::origin() const {
  if (layout == Layout::features) return 0;
  return border_y * row() + border_x * (layout == Layout::planar ? 1 : kernels::kBlock);
}

kernels::Curve kernel_curve(const op::Curve& curve) {
  using Kind = op::Curve::Kind;
  kernels::Curve result;
  result.kind = kernels::Curve::Kind::clip;
  switch (curve.kind) {
    case Kind::sigmoid:
    case Kind::silu:
      result.kind = kernels::Curve::Kind::sigmoid;
      break;
    case Kind::hard_sigmoid:
      result.scale = curve.a, result.shift = curve.b;
      break;
    case Kind::hard_swish:
      result.scale = 1.0F / 6, result.shift = 0.5F;
      break;
    case Kind::clip:
      result.low = curve.a, result.high = curve.b;
      break;
    case Kind::power:
      result.kind = kernels::Curve::Kind::power;
      result.exponent = curve.a;
      break;
  }
  result.times_x = curve.kind == Kind::silu || curve.kind == Kind::hard_swish;
  return result;
}

ValueId Program::add(Value value) {
  const auto id = static_cast<ValueId>(values.size());
  value.storage = id;
  values.push_back(value);
  return id;
}

}  // namespace ablaze::runtime
