#pragma once

// Runs a graph in float64 with the plain loops of kernels/reference.hpp, node by node: the reference for the
// engine where there are no PyTorch results.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/graph.hpp>

#include "graph/visit.hpp"
#include "kernels/reference.hpp"
#include "support/relative_error.hpp"

namespace ablaze::testing {

using Values = std::vector<double>;

inline Values to_double(const Weight& weight) {
  if (!weight) return {};
  const Tensor t = weight.to_tensor();
  return {t.values().begin(), t.values().end()};
}

/// The curves' definitions, independent of the engine's algorithms.
inline double reference_curve(const op::Curve& curve, double x) {
  using Kind = op::Curve::Kind;
  const auto between = [](double v, double low, double high) { return v < low ? low : v > high ? high : v; };
  const double a = static_cast<double>(curve.a), b = static_cast<double>(curve.b);
  switch (curve.kind) {
    case Kind::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Kind::silu:
      return x / (1 + std::exp(-x));
    case Kind::hard_sigmoid:
      return between(a * x + b, 0, 1);
    case Kind::hard_swish:
      return x * between(x + 3, 0, 6) / 6;
    case Kind::clip:
      return between(x, a, b);
    case Kind::power:
      return x == 0 && a < 0 ? 0 : std::pow(x, a);
    case Kind::tanh:
      return (std::exp(x) - std::exp(-x)) / (std::exp(x) + std::exp(-x));
    case Kind::elu:
      return x > 0 ? b * x : b * a * (std::exp(x) - 1);
    case Kind::softplus:
      return std::log(1 + std::exp(x));
    case Kind::mish: {
      const double square = (1 + std::exp(x)) * (1 + std::exp(x));  // e^(2 softplus)
      return x * (square - 1) / (square + 1);
    }
    case Kind::gelu:
      return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
    case Kind::erf:
      return std::erf(x);
  }
  throw Error("the reference has no such curve");
}

/// The window of a convolution or a pool, in numbers for an input of shape `in`.
inline kernels::reference::Window window_of(std::array<int, 2> kernel, std::array<int, 2> stride,
                                            const Padding& padding, std::array<int, 2> dilation,
                                            const Shape& in) {
  std::array<int, 2> before = padding.before, after = padding.after;
  for (std::size_t axis = 0; axis < 2 && padding.kind != Padding::Kind::fixed; ++axis) {
    const int size = static_cast<int>(in[axis + 2]), outputs = (size + stride[axis] - 1) / stride[axis];
    const int last = (outputs - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis];  // row that it reads
    const int zeros = last < size ? 0 : last - size + 1;
    after[axis] = zeros / 2, before[axis] = zeros / 2;
    if (zeros % 2 == 1) ++(padding.kind == Padding::Kind::same_upper ? after : before)[axis];
  }
  return {kernel[0], kernel[1],   stride[0],   stride[1], before[0],
          before[1], dilation[0], dilation[1], after[0],  after[1]};
}
inline kernels::reference::Window window_of(const op::Conv2d& conv, const Shape& in) {
  const Shape& weight = conv.weight.shape();
  return window_of({static_cast<int>(weight[2]), static_cast<int>(weight[3])}, conv.stride, conv.padding,
                   conv.dilation, in);
}
inline kernels::reference::Window window_of(const op::MaxPool2d& pool, const Shape& in) {
  return window_of(pool.kernel, pool.stride, pool.padding, pool.dilation, in);
}
inline kernels::reference::Window window_of(const op::AvgPool2d& pool, const Shape& in) {
  return window_of(pool.kernel, pool.stride, pool.padding, {1, 1}, in);
}
inline kernels::reference::Window window_of(const op::GlobalMaxPool2d&, const Shape& in) {
  return window_of({static_cast<int>(in[2]), static_cast<int>(in[3])}, {1, 1}, {}, {1, 1}, in);
}

struct ReferenceRun {
  const Graph& graph;
  std::vector<Shape> shapes;
  std::vector<Values> values;

  /// `changed` replaces the outputs of some nodes.
  ReferenceRun(const Graph& g, const Shape& input_shape, Values input,
               const std::map<NodeId, Values>& changed = {})
      : graph(g), shapes(g.infer_shapes(input_shape)) {
    values.push_back(std::move(input));
    for (NodeId id = 0; id < graph.size(); ++id) {
      if (id > 0) values.push_back(compute(id));
      const auto it = changed.find(id);
      if (it != changed.end()) values.back() = it->second;
    }
  }

  /// A run with one node's output replaced; recomputes only the nodes after it.
  ReferenceRun(const ReferenceRun& base, NodeId changed, Values replacement)
      : graph(base.graph), shapes(base.shapes), values(base.values) {
    values[changed] = std::move(replacement);
    const std::vector<bool> behind = graph.downstream(changed);
    for (NodeId id = changed + 1; id < graph.size(); ++id) {
      if (behind[id]) values[id] = compute(id);
    }
  }

  const Values& at(NodeId id) const { return values[id]; }
  const Values& output() const { return values.back(); }

 private:
  kernels::reference::Extent4 extent(NodeId id) const {
    const Shape& s = shapes[id];
    return {s[0], s[1], s.size() == 4 ? s[2] : 1, s.size() == 4 ? s[3] : 1};
  }

  /// The factor's index for a product's element i: one number per channel applies to its whole plane.
  std::size_t factor_index(NodeId product, NodeId factor, std::size_t i) const {
    const auto whole = extent(product).size(), own = extent(factor).size();
    return i / static_cast<std::size_t>(whole / own);
  }

  Values compute(NodeId id) const {
    using namespace kernels::reference;
    const Node& node = graph.node(id);
    const NodeId first = node.inputs[0];
    const Values& x = at(first);
    const std::span<const double> in(x);
    return graph::visit(
        node.op,
        [&](const op::Conv2d& conv) {
          const Values w = to_double(conv.weight), b = to_double(conv.bias);
          return conv2d<double>(in, extent(first), w, b, extent(id), window_of(conv, shapes[first]),
                                conv.groups);
        },
        [&](const op::Linear& layer) {
          const Values w = to_double(layer.weight), b = to_double(layer.bias);
          return linear<double>(in, w, b, extent(id).n, layer.weight.shape()[1], extent(id).c);
        },
        [&](const op::BatchNorm& norm) { return normalised(norm, x, extent(id)); },
        [&](const op::Relu&) { return mapped(x, [](double v) { return v > 0 ? v : 0; }); },
        [&](const op::Curve& curve) {
          return mapped(x, [&](double v) { return reference_curve(curve, v); });
        },
        [&](const op::Multiply&) {
          const NodeId second = node.inputs[1];
          Values y(static_cast<std::size_t>(extent(id).size()));
          for (std::size_t i = 0; i < y.size(); ++i)
            y[i] = x[factor_index(id, first, i)] * at(second)[factor_index(id, second, i)];
          return y;
        },
        [&](const op::Add&) {
          Values y = x;
          for (std::size_t i = 0; i < y.size(); ++i) y[i] += at(node.inputs[1])[i];
          return y;
        },
        [&](const graph::one_of<op::MaxPool2d, op::GlobalMaxPool2d> auto& pool) {
          return max_pool<double>(in, extent(first), extent(id), window_of(pool, shapes[first]));
        },
        [&](const op::AvgPool2d& pool) {
          return average_pool<double>(in, extent(first), extent(id), window_of(pool, shapes[first]),
                                      pool.count_include_pad);
        },
        [&](const op::AdaptiveAvgPool2d&) {
          return adaptive_average_pool<double>(in, extent(first), extent(id));
        },
        [&](const op::ChannelMap& map) {
          return channel_map<double>(in, extent(first), map.from, map.stride[0], map.stride[1], extent(id));
        },
        [&](const graph::one_of<op::Flatten, op::Unflatten, op::Identity> auto&) { return x; },
        [&](const op::Input&) -> Values { throw Error("the reference computes no second input"); });
  }

  template <class Function>
  static Values mapped(Values values, const Function& function) {
    for (double& v : values) v = function(v);
    return values;
  }

  static Values normalised(const op::BatchNorm& norm, Values y, const kernels::reference::Extent4& extent) {
    const Values mean = to_double(norm.mean), variance = to_double(norm.variance);
    const Values weight = to_double(norm.weight), bias = to_double(norm.bias);
    const std::int64_t area = extent.h * extent.w;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t k = i / static_cast<std::size_t>(area) % static_cast<std::size_t>(extent.c);
      y[i] = (y[i] - mean[k]) / std::sqrt(variance[k] + norm.epsilon) * (weight.empty() ? 1 : weight[k]) +
             (bias.empty() ? 0 : bias[k]);
    }
    return y;
  }
};

}  // namespace ablaze::testing
