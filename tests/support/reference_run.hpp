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
    default:
      return x == 0 && a < 0 ? 0 : std::pow(x, a);
  }
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
    if (const auto* c = std::get_if<op::Conv2d>(&node.op)) {
      const Values w = to_double(c->weight), b = to_double(c->bias);
      const Window window{static_cast<int>(c->weight.shape()[2]),
                          static_cast<int>(c->weight.shape()[3]),
                          c->stride[0],
                          c->stride[1],
                          c->padding[0],
                          c->padding[1],
                          c->dilation[0],
                          c->dilation[1]};
      return conv2d<double>(in, extent(first), w, b, extent(id), window, c->groups);
    }
    if (const auto* l = std::get_if<op::Linear>(&node.op)) {
      const Values w = to_double(l->weight), b = to_double(l->bias);
      return linear<double>(in, w, b, extent(id).n, l->weight.shape()[1], extent(id).c);
    }
    if (const auto* n = std::get_if<op::BatchNorm>(&node.op)) {
      const Values mean = to_double(n->mean), variance = to_double(n->variance), w = to_double(n->weight),
                   b = to_double(n->bias);
      Values y = x;
      const std::int64_t channels = extent(id).c, area = extent(id).h * extent(id).w;
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t k = i / static_cast<std::size_t>(area) % static_cast<std::size_t>(channels);
        y[i] = (y[i] - mean[k]) / std::sqrt(variance[k] + n->epsilon) * (w.empty() ? 1 : w[k]) +
               (b.empty() ? 0 : b[k]);
      }
      return y;
    }
    if (std::holds_alternative<op::Relu>(node.op)) {
      Values y = x;
      for (double& v : y) v = v > 0 ? v : 0;
      return y;
    }
    if (const auto* curve = std::get_if<op::Curve>(&node.op)) {
      Values y = x;
      for (double& v : y) v = reference_curve(*curve, v);
      return y;
    }
    if (std::holds_alternative<op::Multiply>(node.op)) {
      Values y(static_cast<std::size_t>(extent(id).size()));
      for (std::size_t i = 0; i < y.size(); ++i)
        y[i] = x[factor_index(id, first, i)] * at(node.inputs[1])[factor_index(id, node.inputs[1], i)];
      return y;
    }
    if (std::holds_alternative<op::Add>(node.op)) {
      Values y = x;
      for (std::size_t i = 0; i < y.size(); ++i) y[i] += at(node.inputs[1])[i];
      return y;
    }
    if (const auto* p = std::get_if<op::MaxPool2d>(&node.op)) {
      const Window window{p->kernel[0],  p->kernel[1],  p->stride[0],   p->stride[1],
                          p->padding[0], p->padding[1], p->dilation[0], p->dilation[1]};
      return max_pool<double>(in, extent(first), extent(id), window);
    }
    if (const auto* p = std::get_if<op::AvgPool2d>(&node.op)) {
      const Window window{p->kernel[0], p->kernel[1],  p->stride[0],
                          p->stride[1], p->padding[0], p->padding[1]};
      return average_pool<double>(in, extent(first), extent(id), window, p->count_include_pad);
    }
    if (std::holds_alternative<op::AdaptiveAvgPool2d>(node.op)) {
      return adaptive_average_pool<double>(in, extent(first), extent(id));
    }
    if (const auto* map = std::get_if<op::ChannelMap>(&node.op)) {
      return channel_map<double>(in, extent(first), map->from, map->stride[0], map->stride[1], extent(id));
    }
    if (graph::visit(
            node.op, [](const graph::one_of<op::Flatten, op::Unflatten, op::Identity> auto&) { return true; },
            [](const auto&) { return false; }))
      return x;
    throw Error("the reference has no " + std::string(op_name(node.op)));
  }
};

}  // namespace ablaze::testing
