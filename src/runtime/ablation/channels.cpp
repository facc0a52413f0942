#include "runtime/ablation/channels.hpp"

#include <algorithm>
#include <functional>

#include <ablaze/error.hpp>

#include "graph/visit.hpp"
#include "kernels/reference.hpp"

namespace ablaze::runtime {
namespace {

using kernels::reference::Extent4;
using kernels::reference::Window;

Extent4 plane_extent(const Shape& shape) {
  return {1, 1, shape.size() == 4 ? shape[2] : 1, shape.size() == 4 ? shape[3] : 1};
}

Window window_of(const Geometry& g) {
  return {g.kernel_h,  g.kernel_w,   g.stride_h,   g.stride_w,      g.padding_h,
          g.padding_w, g.dilation_h, g.dilation_w, g.padding_below, g.padding_right};
}

std::vector<double> sum(std::vector<double> a, const std::vector<double>& b) {
  std::ranges::transform(a, b, a.begin(), std::plus<>());
  return a;
}

}  // namespace

Channels::Channels(const RunState& trace, NodeId layer, int image, const Ablation& ablation)
    : ablation_(ablation), a_(trace.read(layer)) {
  count_ = static_cast<int>(a_.dim(1));
  height_ = static_cast<int>(a_.dim(2)), width_ = static_cast<int>(a_.dim(3));
  first_ = std::int64_t{image} * count_ * area();
  const Shape size{height_, width_};
  if (ablation.kind == Ablation::Kind::mask && ablation.mask.shape() != size) {
    throw Error("the mask is " + to_string(ablation.mask.shape()) + ", but the layer's planes are " +
                to_string(size));
  }
}

void Channels::ablated(int k, std::span<float> out) const {
  const std::span<const float> a = plane(k);
  double total = 0;
  if (ablation_.kind == Ablation::Kind::mean) {
    for (const float v : a) total += v;
  }
  const float mean = static_cast<float>(total / static_cast<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    switch (ablation_.kind) {
      case Ablation::Kind::zero:
        out[i] = 0;
        break;
      case Ablation::Kind::scale:
        out[i] = ablation_.scale * a[i];
        break;
      case Ablation::Kind::mean:
        out[i] = mean;
        break;
      case Ablation::Kind::mask:
        out[i] = (1 - ablation_.mask.data()[i]) * a[i];
        break;
    }
  }
}

std::vector<double> Channels::change(int k) const {
  const std::span<const float> a = plane(k);
  std::vector<double> result(a.begin(), a.end());
  double mean = 0;
  for (const double v : result) mean += v / static_cast<double>(result.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    switch (ablation_.kind) {
      case Ablation::Kind::zero:
        result[i] = -result[i];
        break;
      case Ablation::Kind::scale:
        result[i] *= static_cast<double>(ablation_.scale) - 1;
        break;
      case Ablation::Kind::mean:
        result[i] = mean - result[i];
        break;
      case Ablation::Kind::mask:
        result[i] *= -static_cast<double>(ablation_.mask.data()[i]);
        break;
    }
  }
  return result;
}

ChannelLocal::ChannelLocal(const RunState& trace, const Route& route, int image)
    : trace_(trace), network_(trace.network()), image_(image) {
  const Graph& graph = network_.graph;
  for (const NodeId id : route.local) {
    const Node& node = graph.node(id);
    Step step{id, {}, {}, {}, {}};
    if (id != route.from) {
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        step.factors[i] = kUnchanged;
        if (route.reach_of(node.inputs[i]) == DeltaReach::none) continue;
        const auto place = std::ranges::find(route.local, node.inputs[i]);
        step.factors[i] = static_cast<std::size_t>(place - route.local.begin());
        step.inputs.push_back(step.factors[i]);
      }
      if (const auto* norm = std::get_if<op::BatchNorm>(&node.op))
        step.scale = batch_norm_affine(*norm).scale;
      if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) {
        const Tensor weight = conv->weight.to_tensor();
        step.filters.assign(weight.values().begin(), weight.values().end());
      }
    }
    steps_.push_back(std::move(step));
  }
}

void ChannelLocal::follow(int k, Planes& planes) const {
  planes.resize(steps_.size());
  for (std::size_t i = 1; i < steps_.size(); ++i) planes[i] = apply(steps_[i], k, planes);
}

std::vector<double> ChannelLocal::apply(const Step& step, int k, const Planes& planes) const {
  using namespace kernels::reference;
  using Plane = std::vector<double>;
  const Node& node = network_.graph.node(step.node);
  const Plane& change = planes[step.inputs[0]];
  const NodeId from = node.inputs[0];
  const Extent4 in = plane_extent(network_.shapes[from]);
  const Extent4 out = plane_extent(network_.shapes[step.node]);
  return graph::visit(
      node.op,
      [&](const op::Relu&) {
        Plane y = base(from, k);
        std::ranges::transform(y, change, y.begin(),
                               [](double b, double d) { return std::max(d, -b) + std::min(b, 0.0); });
        return y;
      },
      [&](const op::Curve& curve) {
        const kernels::Curve f = kernel_curve(curve);
        Plane y = base(from, k);
        std::ranges::transform(y, change, y.begin(), [&](double b, double d) {
          return kernels::reference::curve(b + d, f) - kernels::reference::curve(b, f);
        });
        return y;
      },
      [&](const op::Multiply&) { return product(step, k, planes); },
      [&](const graph::one_of<op::MaxPool2d, op::GlobalMaxPool2d> auto& pool) {
        const Window window = window_of(geometry_of(pool, network_.shapes[from]));
        const Plane before = base(from, k), after = sum(before, change);
        Plane y = max_pool(std::span<const double>(after), in, out, window);
        const Plane untouched = max_pool(std::span<const double>(before), in, out, window);
        std::ranges::transform(y, untouched, y.begin(), std::minus<>());
        return y;
      },
      [&](const op::AvgPool2d& pool) {
        return average_pool(std::span(change), in, out, window_of(geometry_of(pool, network_.shapes[from])),
                            pool.count_include_pad);
      },
      [&](const op::AdaptiveAvgPool2d&) { return adaptive_average_pool(std::span(change), in, out); },
      [&](const op::Conv2d& conv) {
        const Shape& weight = conv.weight.shape();
        const std::int64_t taps = weight[2] * weight[3];
        const std::span<const double> filter(&step.filters[k * taps], taps);
        return conv2d(std::span(change), in, filter, std::span<const double>(), out,
                      window_of(geometry_of(conv, network_.shapes[from])), 1);
      },
      [&](const op::BatchNorm&) {
        Plane y = change;
        for (double& v : y) v *= step.scale[k];
        return y;
      },
      [&](const op::Add&) { return step.inputs.size() > 1 ? sum(change, planes[step.inputs[1]]) : change; },
      [&](const graph::one_of<op::Flatten, op::Unflatten, op::Identity> auto&) { return change; },
      [&](const graph::one_of<op::Input, op::Linear, op::ChannelMap> auto& op) -> Plane {
        throw Error("layer " + node.name + ": " + std::string(op_name(op)) +
                    " does not keep a change in its channel");
      });
}

/// a' b' + a' b + a b'; a factor of one number applies to the whole plane.
std::vector<double> ChannelLocal::product(const Step& step, int k, const Planes& planes) const {
  const Node& node = network_.graph.node(step.node);
  const Extent4 out = plane_extent(network_.shapes[step.node]);
  std::array<std::vector<double>, 2> untouched, change;
  for (std::size_t i = 0; i < 2; ++i) {
    untouched[i] = base(node.inputs[i], k);
    change[i] = step.factors[i] == kUnchanged ? std::vector<double>(untouched[i].size(), 0.0)
                                              : planes[step.factors[i]];
  }
  std::vector<double> y(out.h * out.w);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto at = [i](const std::vector<double>& plane) { return plane[plane.size() == 1 ? 0 : i]; };
    y[i] = at(change[0]) * (at(untouched[1]) + at(change[1])) + at(untouched[0]) * at(change[1]);
  }
  return y;
}

std::vector<double> ChannelLocal::base(NodeId node, int k) const {
  const Value& value = network_.value(node);
  const kernels::Base from = base_view(value, trace_.memory(), image_);
  const bool flat = value.layout == Layout::features;
  const std::ptrdiff_t pixel = flat ? value.block() : kernels::kBlock;
  const std::ptrdiff_t row = flat ? pixel * value.extent.w : value.row();
  const std::ptrdiff_t block = flat ? row * value.extent.h : value.block();
  const float* first = from.data + k / kernels::kBlock * block + k % kernels::kBlock;
  std::vector<double> plane;
  plane.reserve(static_cast<std::size_t>(value.extent.h) * static_cast<std::size_t>(value.extent.w));
  for (int y = 0; y < value.extent.h; ++y) {
    for (int x = 0; x < value.extent.w; ++x) plane.push_back(first[y * row + x * pixel]);
  }
  return plane;
}

}  // namespace ablaze::runtime
