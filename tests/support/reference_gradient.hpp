#pragma once

// A score's gradient in float64 with the plain loops of kernels/reference_backward.hpp, node by node from the
// output back.

#include <cmath>
#include <functional>
#include <vector>

#include <ablaze/graph.hpp>

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
  Values pull(NodeId layer, Values seed) {
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

  static Values widened(const Weight& weight) {
    if (!weight) return {};
    const Tensor t = weight.to_tensor();
    return {t.values().begin(), t.values().end()};
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

  Values backward_one(const Node& node, NodeId id) const {
    using namespace kernels::reference;
    const Values& g = gradients_[id];
    const std::span<const double> from(g);
    const NodeId first = node.inputs[0];
    if (const auto* c = std::get_if<op::Conv2d>(&node.op)) {
      const Shape& shape = c->weight.shape();
      const Window window{static_cast<int>(shape[2]),
                          static_cast<int>(shape[3]),
                          c->stride[0],
                          c->stride[1],
                          c->padding[0],
                          c->padding[1],
                          c->dilation[0],
                          c->dilation[1]};
      const Values weight = widened(c->weight);
      return pull_conv2d<double>(from, extent(first), weight, extent(id), window, c->groups);
    }
    if (const auto* l = std::get_if<op::Linear>(&node.op)) {
      const Values weight = widened(l->weight);
      return linear_backward<double>(from, weight, extent(id).n, l->weight.shape()[1], extent(id).c);
    }
    if (const auto* n = std::get_if<op::BatchNorm>(&node.op)) return norm_backward(*n, g, extent(id));
    if (std::holds_alternative<op::Relu>(node.op)) {
      const Values x = value_of_(first);
      Values back = g;
      for (std::size_t i = 0; i < back.size(); ++i) back[i] = x[i] > 0 ? back[i] : 0;
      return back;
    }
    if (const auto* curve = std::get_if<op::Curve>(&node.op)) {
      const Values x = value_of_(first);
      Values back = g;
      for (std::size_t i = 0; i < back.size(); ++i) back[i] *= slope(*curve, x[i]);
      return back;
    }
    if (const auto* p = std::get_if<op::MaxPool2d>(&node.op)) {
      const Window window{p->kernel[0],  p->kernel[1],  p->stride[0],   p->stride[1],
                          p->padding[0], p->padding[1], p->dilation[0], p->dilation[1]};
      const Values x = value_of_(first);
      return max_pool_backward<double>(from, x, extent(first), extent(id), window);
    }
    if (const auto* p = std::get_if<op::AvgPool2d>(&node.op)) {
      const Window window{p->kernel[0], p->kernel[1],  p->stride[0],
                          p->stride[1], p->padding[0], p->padding[1]};
      return average_pool_backward<double>(from, extent(first), extent(id), window, p->count_include_pad);
    }
    if (std::holds_alternative<op::AdaptiveAvgPool2d>(node.op))
      return adaptive_average_pool_backward<double>(from, extent(first), extent(id));
    return g;  // unchanged by Add, Flatten, Unflatten and Identity
  }

  static Values norm_backward(const op::BatchNorm& norm, Values g,
                              const kernels::reference::Extent4& extent) {
    const Values variance = widened(norm.variance), weight = widened(norm.weight);
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
