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

namespace {

Geometry window_of(const std::array<int, 2>& kernel, const std::array<int, 2>& stride, const Padding& padding,
                   const std::array<int, 2>& dilation, const Shape& in) {
  const Padding zeros = padding.at({in[2], in[3]}, kernel, stride, dilation);
  return {kernel[0],       kernel[1],   stride[0],   stride[1],      zeros.before[0],
          zeros.before[1], dilation[0], dilation[1], zeros.after[0], zeros.after[1]};
}

}  // namespace

Geometry geometry_of(const op::Conv2d& conv, const Shape& in) {
  const Shape& weight = conv.weight.shape();
  return window_of({static_cast<int>(weight[2]), static_cast<int>(weight[3])}, conv.stride, conv.padding,
                   conv.dilation, in);
}

Geometry geometry_of(const op::MaxPool2d& pool, const Shape& in) {
  return window_of(pool.kernel, pool.stride, pool.padding, pool.dilation, in);
}

Geometry geometry_of(const op::AvgPool2d& pool, const Shape& in) {
  return window_of(pool.kernel, pool.stride, pool.padding, {1, 1}, in);
}

Geometry geometry_of(const op::GlobalMaxPool2d&, const Shape& in) {
  return window_of({static_cast<int>(in[2]), static_cast<int>(in[3])}, {1, 1}, {}, {1, 1}, in);
}

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
    case Kind::tanh:
      result.kind = kernels::Curve::Kind::tanh;
      break;
    case Kind::power:
      result.formula = &kernels::kPower;
      break;
    case Kind::elu:
      result.formula = &kernels::kElu;
      break;
    case Kind::softplus:
      result.formula = &kernels::kSoftplus;
      break;
    case Kind::mish:
      result.formula = &kernels::kMish;
      break;
    case Kind::gelu:
      result.formula = &kernels::kGelu;
      break;
    case Kind::erf:
      result.formula = &kernels::kErf;
      break;
  }
  if (result.formula != nullptr) {
    result.kind = kernels::Curve::Kind::formula;
    result.a = static_cast<double>(curve.a), result.b = static_cast<double>(curve.b);
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
