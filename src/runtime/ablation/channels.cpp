#include "runtime/ablation/channels.hpp"

#include <algorithm>
#include <functional>

#include <ablaze/error.hpp>

#include "kernels/reference.hpp"

namespace ablaze::runtime {
namespace {

using kernels::reference::Extent4;
using kernels::reference::Window;

Extent4 plane_extent(const Shape& shape) {
  return {1, 1, shape.size() == 4 ? shape[2] : 1, shape.size() == 4 ? shape[3] : 1};
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
    throw Error("the mask is " + to_string(ablation.mask.shape()) + " and the layer's planes are " +
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
    : trace_(trace), network_(*trace.session), image_(image) {
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
  const Node& node = network_.graph.node(step.node);
  const std::vector<double>& d = planes[step.inputs[0]];
  const NodeId from = node.inputs[0];
  const Extent4 in = plane_extent(network_.shapes[from]);
  const Extent4 out = plane_extent(network_.shapes[step.node]);
  const std::span<const double> change(d);
  if (std::holds_alternative<op::Relu>(node.op)) {
    std::vector<double> y = base(from, k);
    std::ranges::transform(y, d, y.begin(),
                           [](double b, double c) { return std::max(c, -b) + std::min(b, 0.0); });
    return y;
  }
  if (const auto* curve = std::get_if<op::Curve>(&node.op)) {
    const kernels::Curve f = kernel_curve(*curve);
    std::vector<double> y = base(from, k);
    std::ranges::transform(y, d, y.begin(), [&](double b, double c) {
      return kernels::reference::curve(b + c, f) - kernels::reference::curve(b, f);
    });
    return y;
  }
  if (std::holds_alternative<op::Multiply>(node.op)) return product(step, k, planes);
  if (const auto* pool = std::get_if<op::MaxPool2d>(&node.op)) {
    const Window window{pool->kernel[0],  pool->kernel[1],  pool->stride[0],   pool->stride[1],
                        pool->padding[0], pool->padding[1], pool->dilation[0], pool->dilation[1]};
    const std::vector<double> before = base(from, k), after = sum(before, d);
    std::vector<double> y = max_pool(std::span<const double>(after), in, out, window);
    const std::vector<double> untouched = max_pool(std::span<const double>(before), in, out, window);
    std::ranges::transform(y, untouched, y.begin(), std::minus<>());
    return y;
  }
  if (const auto* pool = std::get_if<op::AvgPool2d>(&node.op)) {
    const Window window{pool->kernel[0], pool->kernel[1],  pool->stride[0],
                        pool->stride[1], pool->padding[0], pool->padding[1]};
    return average_pool(change, in, out, window, pool->count_include_pad);
  }
  if (std::holds_alternative<op::AdaptiveAvgPool2d>(node.op)) return adaptive_average_pool(change, in, out);
  if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) {
    const Shape& weight = conv->weight.shape();
    const Window window{static_cast<int>(weight[2]),
                        static_cast<int>(weight[3]),
                        conv->stride[0],
                        conv->stride[1],
                        conv->padding[0],
                        conv->padding[1],
                        conv->dilation[0],
                        conv->dilation[1]};
    const auto taps = static_cast<std::size_t>(weight[2] * weight[3]);
    const std::span<const double> filter(&step.filters[static_cast<std::size_t>(k) * taps], taps);
    return conv2d(change, in, filter, std::span<const double>(), out, window, 1);
  }
  std::vector<double> y = d;
  if (!step.scale.empty()) {
    for (double& v : y) v *= step.scale[k];
  }
  if (step.inputs.size() > 1) y = sum(std::move(y), planes[step.inputs[1]]);
  return y;  // flattening and identities move nothing
}

/// a' b' + a' b + a b'; a factor of one number serves the whole plane.
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
