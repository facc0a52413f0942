#pragma once

// A score's gradient in float64 with the plain loops of kernels/reference_backward.hpp, node by node from the
// output back.

#include <cmath>
#include <functional>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/graph.hpp>

#include "graph/visit.hpp"
#include "kernels/reference_backward.hpp"
#include "support/reference_run.hpp"

namespace ablaze::testing {

class ReferenceGradient {
 public:
  using Values = std::vector<double>;
  /// value_of: a node's value in the forward run; called for the inputs of ReLUs and max-pools.
  ReferenceGradient(const Graph& graph, std::vector<Shape> shapes, std::function<Values(NodeId)> value_of)
      : graph_(graph), shapes_(std::move(shapes)), value_of_(std::move(value_of)) {}

  /// dy/d layer from dy/d output.
  Values gradient(NodeId layer, Values seed) {
    gradients_.assign(graph_.size(), {});
    gradients_.back() = std::move(seed);
    const std::vector<bool> behind = graph_.downstream(layer);
    for (NodeId id = graph_.output(); id > layer; --id) {
      if (!behind[id] || gradients_[id].empty()) continue;
      const Node& node = graph_.node(id);
      const bool product = std::holds_alternative<op::Multiply>(node.op);
      const Values back = product ? Values() : backward_one(node, id);
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (behind[node.inputs[i]]) add(node.inputs[i], product ? factor_backward(node, id, i) : back);
      }
      gradients_[id] = {};
    }
    return gradients_[layer];
  }

 private:
  kernels::reference::Extent4 extent(NodeId id) const {
    const Shape& s = shapes_[id];
    return {s[0], s[1], s.size() == 4 ? s[2] : 1, s.size() == 4 ? s[3] : 1};
  }

  void add(NodeId node, const Values& part) {
    Values& sum = gradients_[node];
    if (sum.empty()) sum.assign(part.size(), 0);
    for (std::size_t i = 0; i < part.size(); ++i) sum[i] += part[i];
  }

  /// g times the other factor, summed if the factor is one number per channel.
  Values factor_backward(const Node& node, NodeId id, std::size_t i) const {
    const Values& g = gradients_[id];
    const Values other = value_of_(node.inputs[1 - i]);
    const auto own = static_cast<std::size_t>(extent(node.inputs[i]).size());
    Values back(own, 0);
    for (std::size_t k = 0; k < g.size(); ++k)
      back[k / (g.size() / own)] += g[k] * other[k / (g.size() / other.size())];
    return back;
  }

  /// A difference quotient in float64, with an error of about 1e-10.
  static double slope(const op::Curve& curve, double x) {
    const double h = 1e-5;
    return (reference_curve(curve, x + h) - reference_curve(curve, x - h)) / (2 * h);
  }

  /// The gradient of a node's only input, or of both of Add's. An operator without an answer does not
  /// compile.
  Values backward_one(const Node& node, NodeId id) const {
    using namespace kernels::reference;
    const Values& g = gradients_[id];
    const std::span<const double> from(g);
    const NodeId first = node.inputs[0];
    return graph::visit(
        node.op,
        [&](const op::Conv2d& conv) {
          const Values weight = to_double(conv.weight);
          return conv2d_backward<double>(from, extent(first), weight, extent(id),
                                         window_of(conv, shapes_[first]), conv.groups);
        },
        [&](const op::Linear& linear) {
          const Values weight = to_double(linear.weight);
          return linear_backward<double>(from, weight, extent(id).n, linear.weight.shape()[1], extent(id).c);
        },
        [&](const op::BatchNorm& norm) { return norm_backward(norm, g, extent(id)); },
        [&](const op::Relu&) { return scaled(g, first, [](double x) { return x > 0 ? 1.0 : 0.0; }); },
        [&](const op::Curve& curve) { return scaled(g, first, [&](double x) { return slope(curve, x); }); },
        [&](const graph::one_of<op::MaxPool2d, op::GlobalMaxPool2d> auto& pool) {
          const Values x = value_of_(first);
          return max_pool_backward<double>(from, x, extent(first), extent(id),
                                           window_of(pool, shapes_[first]));
        },
        [&](const op::AvgPool2d& pool) {
          return average_pool_backward<double>(from, extent(first), extent(id),
                                               window_of(pool, shapes_[first]), pool.count_include_pad);
        },
        [&](const op::AdaptiveAvgPool2d&) {
          return adaptive_average_pool_backward<double>(from, extent(first), extent(id));
        },
        [&](const graph::one_of<op::Add, op::Flatten, op::Unflatten, op::Identity> auto&) { return g; },
        [&](const graph::one_of<op::Input, op::Multiply, op::ChannelMap> auto& op) -> Values {
          throw Error("the reference has no gradient of " + std::string(op_name(op)));
        });
  }

  /// g times the derivative at each number of the input.
  template <class Derivative>
  Values scaled(Values g, NodeId input, const Derivative& derivative) const {
    const Values x = value_of_(input);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] *= derivative(x[i]);
    return g;
  }

  static Values norm_backward(const op::BatchNorm& norm, Values g,
                              const kernels::reference::Extent4& extent) {
    const Values variance = to_double(norm.variance), weight = to_double(norm.weight);
    const auto area = static_cast<std::size_t>(extent.h * extent.w);
    for (std::size_t i = 0; i < g.size(); ++i) {
      const std::size_t k = i / area % static_cast<std::size_t>(extent.c);
      g[i] *= (weight.empty() ? 1 : weight[k]) / std::sqrt(variance[k] + norm.epsilon);
    }
    return g;
  }

  const Graph& graph_;
  std::vector<Shape> shapes_;
  std::function<Values(NodeId)> value_of_;
  std::vector<Values> gradients_;
};

}  // namespace ablaze::testing
