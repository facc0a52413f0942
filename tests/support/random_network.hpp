#pragma once

// Small random networks with branches, skips, strides, groups, dilation, pools and odd sizes, for property
// tests. No call has two arguments that draw random numbers: compilers evaluate arguments in different
// orders, and a seed is to give one network. (The elements of a list in braces are evaluated from left to
// right.)

#include <cmath>
#include <random>

#include <ablaze/graph.hpp>

namespace ablaze::testing {

class RandomNetwork {
 public:
  /// channel_maps: some shortcuts are channel maps instead of convolutions. gates: some blocks end in a
  /// curve, in squeeze and excitation, or in a product of two branches.
  explicit RandomNetwork(unsigned seed, bool channel_maps = false, bool gates = false)
      : random_(seed), channel_maps_(channel_maps), gates_(gates) {
    const int channels = pick(1, 20);
    shape_ = {1, channels, pick(6, 19), pick(6, 19)};
    nodes_.push_back(graph_.add("input", op::Input{{channels, 0, 0}}, {}));
    const int depth = pick(3, 9);
    for (int i = 0; i < depth; ++i) grow(i);
    finish();
  }
  const Graph& graph() const { return graph_; }
  /// 1 x C x H x W
  const Shape& input_shape() const { return shape_; }
  std::vector<double> input(int batch = 1) {
    std::vector<double> x(batch * element_count(shape_));
    for (double& v : x) v = static_cast<float>(normal_(random_));
    return x;
  }

 private:
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  Tensor tensor(Shape shape, double scale, double shift = 0) {
    Tensor t(std::move(shape));
    for (float& v : t.values()) v = static_cast<float>(normal_(random_) * scale + shift);
    return t;
  }
  Shape shape_of(NodeId id) const { return graph_.infer_shapes(shape_)[id]; }

  op::Conv2d convolution(const Shape& in, int out_channels, int kernel, int stride, int groups) {
    op::Conv2d conv;
    const int dilation = pick(0, 4) == 0 && kernel == 3 ? 2 : 1;
    const double fan_in = static_cast<double>(in[1]) / groups * kernel * kernel;
    conv.weight = tensor({out_channels, in[1] / groups, kernel, kernel}, std::sqrt(2 / fan_in));
    if (pick(0, 1) == 1) conv.bias = tensor({out_channels}, 0.3);
    conv.stride = {stride, stride};
    conv.padding = padding(kernel / 2 * dilation);
    conv.dilation = {dilation, dilation};
    conv.groups = groups;
    return conv;
  }
  /// Mostly `usual` on every side; also fewer on one side and more on the other, or what keeps the size.
  Padding padding(int usual) {
    const int rows = pick(0, usual), columns = pick(0, usual);
    switch (pick(0, 9)) {
      case 0:
        return Padding(Padding::Kind::same_upper);
      case 1:
        return Padding(Padding::Kind::same_lower);
      case 2:
        return {{usual - rows, usual + columns}, {usual + rows, usual - columns}};
      default:
        return {usual, usual};
    }
  }
  /// Some channels in any order, some of them repeated, and zeros.
  op::ChannelMap channel_map(const Shape& in, int out_channels, int stride) {
    op::ChannelMap map;
    for (int c = 0; c < out_channels; ++c) map.from.push_back(pick(-1, static_cast<int>(in[1]) - 1));
    map.stride = {stride, stride};
    return map;
  }
  op::BatchNorm norm(std::int64_t channels) {
    op::BatchNorm n;
    n.weight = tensor({channels}, 0.2, 1);
    n.bias = tensor({channels}, 0.2);
    n.mean = tensor({channels}, 0.2);
    Tensor variance = tensor({channels}, 0.2, 1);
    for (float& v : variance.values()) v = std::abs(v) + 0.1F;
    n.variance = variance;
    return n;
  }

  op::Curve curve() {
    using Kind = op::Curve::Kind;
    const Kind kind = op::Curve::kinds[static_cast<std::size_t>(pick(0, op::Curve::kinds.size() - 1))];
    switch (kind) {
      case Kind::hard_sigmoid:
        return {kind, 0.3F, 0.4F};
      case Kind::power:  // defined for positive numbers only
      case Kind::clip:
        return {Kind::clip, -0.5F, 1.5F};
      case Kind::elu:
        return {kind, 1.2F, 0.9F};
      default:
        return {kind};
    }
  }

  NodeId gate(const std::string& name, NodeId from) {
    const Shape in = shape_of(from);
    NodeId at = from;
    switch (pick(0, 4)) {
      case 0:
        return graph_.add(name + ".curve", curve(), {from});
      case 1: {  // squeeze and excitation, by convolutions or by linear layers
        const int inner = pick(1, 9);
        at = pick(0, 2) == 0 ? graph_.add(name + ".se.max", op::GlobalMaxPool2d{}, {at})
                             : graph_.add(name + ".se.mean", op::AdaptiveAvgPool2d{}, {at});
        if (pick(0, 1) == 1) {
          at = graph_.add(name + ".se.flatten", op::Flatten{}, {at});
          at = graph_.add(name + ".se.fc1", op::Linear{tensor({inner, in[1]}, 0.5), tensor({inner}, 0.2)},
                          {at});
          at = graph_.add(name + ".se.act", curve(), {at});
          at = graph_.add(name + ".se.fc2", op::Linear{tensor({in[1], inner}, 0.5), tensor({in[1]}, 0.2)},
                          {at});
          at = graph_.add(name + ".se.unflatten", op::Unflatten{}, {at});
        } else {
          at = graph_.add(name + ".se.fc1", convolution(in, inner, 1, 1, 1), {at});
          at = graph_.add(name + ".se.act", op::Relu{}, {at});
          at =
              graph_.add(name + ".se.fc2", convolution(shape_of(at), static_cast<int>(in[1]), 1, 1, 1), {at});
        }
        at = graph_.add(name + ".se.scale", curve(), {at});
        return graph_.add(name + ".se", op::Multiply{},
                          pick(0, 1) == 1 ? std::vector<NodeId>{at, from} : std::vector<NodeId>{from, at});
      }
      case 2: {  // a gate computed in parallel to its factor
        at = graph_.add(name + ".gate.conv", convolution(in, static_cast<int>(in[1]), 3, 1, 1), {from});
        at = graph_.add(name + ".gate.curve", curve(), {at});
        at = graph_.add(name + ".gate", op::Multiply{}, {from, at});
        return graph_.add(name + ".gate.relu", op::Relu{}, {at});
      }
      case 3: {
        at = graph_.add(name + ".square", op::Multiply{}, {from, from});
        at = graph_.add(name + ".square.clip", op::Curve{op::Curve::Kind::clip, -1, 2}, {at});
        return at;
      }
      default:
        return from;
    }
  }

  void grow(int i) {
    const std::string name = "b" + std::to_string(i);
    const NodeId from = nodes_.back();
    const Shape in = shape_of(from);
    NodeId at = from;
    switch (pick(0, 7)) {
      case 0: {  // a residual block, with or without a projection
        const bool project = pick(0, 1) == 1;
        const int out = project ? pick(1, 24) : static_cast<int>(in[1]);
        const int stride = project ? pick(1, 2) : 1;
        at = graph_.add(name + ".conv1", convolution(in, out, 3, stride, 1), {from});
        at = graph_.add(name + ".bn1", norm(out), {at});
        at = graph_.add(name + ".relu1", op::Relu{}, {at});
        at = graph_.add(name + ".conv2", convolution(shape_of(at), out, 3, 1, 1), {at});
        at = graph_.add(name + ".bn2", norm(out), {at});
        NodeId skip = from;
        if (project) {
          if (channel_maps_) {
            skip = graph_.add(name + ".map", channel_map(in, out, stride), {from});
          } else {
            skip = graph_.add(name + ".down", convolution(in, out, 1, stride, 1), {from});
          }
          skip = graph_.add(name + ".downbn", norm(out), {skip});
        }
        if (pick(0, 1) == 1) std::swap(at, skip);
        at = graph_.add(name + ".add", op::Add{}, {at, skip});
        at = graph_.add(name + ".relu2", op::Relu{}, {at});
        break;
      }
      case 1: {  // a grouped convolution
        const int groups = in[1] % 4 == 0 ? 4 : in[1] % 3 == 0 ? 3 : in[1] % 2 == 0 ? 2 : 1;
        const int out = groups * pick(1, 9);
        at = graph_.add(name + ".conv", convolution(in, out, 3, pick(1, 2), groups), {at});
        if (pick(0, 1) == 1) at = graph_.add(name + ".relu", op::Relu{}, {at});
        break;
      }
      case 2: {
        if (std::min(in[2], in[3]) < 3) break;
        at = graph_.add(name + ".pool", op::MaxPool2d{{3, 3}, {2, 2}, padding(1), {1, 1}, pick(0, 1) == 1},
                        {at});
        break;
      }
      case 3: {
        if (std::min(in[2], in[3]) < 2) break;
        at = graph_.add(name + ".avg",
                        op::AvgPool2d{{2, 2},
                                      {2, 2},
                                      {{pick(0, 1), 0}, {pick(0, 1), pick(0, 1)}},
                                      pick(0, 1) == 1,
                                      pick(0, 1) == 1},
                        {at});
        break;
      }
      case 4: {  // single operators
        at = graph_.add(name + ".bn", norm(in[1]), {at});
        if (pick(0, 1) == 1) at = graph_.add(name + ".drop", op::Identity{}, {at});
        if (pick(0, 1) == 1) at = graph_.add(name + ".relu", op::Relu{}, {at});
        break;
      }
      case 5: {
        const int kernel = 1 + 2 * pick(0, 2);
        const int out = pick(1, 40), stride = pick(1, 3);
        at = graph_.add(name + ".conv", convolution(in, out, kernel, stride, 1), {at});
        at = graph_.add(name + ".relu", op::Relu{}, {at});
        break;
      }
      case 6: {  // a depthwise convolution
        at = graph_.add(name + ".depthwise",
                        convolution(in, static_cast<int>(in[1]), 3, pick(1, 2), static_cast<int>(in[1])),
                        {at});
        at = graph_.add(name + ".bn", norm(in[1]), {at});
        if (pick(0, 1) == 1) at = graph_.add(name + ".relu", op::Relu{}, {at});
        break;
      }
      default: {  // a sum of two layers, without BatchNorm
        const int out = pick(1, 20);
        const NodeId a = graph_.add(name + ".a", convolution(in, out, 1, 1, 1), {from});
        const NodeId b = graph_.add(name + ".b", convolution(in, out, 3, 1, 1), {from});
        const NodeId r = graph_.add(name + ".r", op::Relu{}, {b});
        at = graph_.add(name + ".add", op::Add{}, {a, r});
        break;
      }
    }
    if (gates_ && pick(0, 1) == 0) at = gate(name, at);
    if (at != from) nodes_.push_back(at);
  }

  void finish() {
    NodeId at = nodes_.back();
    const int classes = pick(2, 11);
    const int hidden_layers = pick(0, 2);
    const int side = pick(1, 3);
    if (pick(0, 5) == 0) {
      at = graph_.add("maxpool", op::GlobalMaxPool2d{}, {at});
    } else {
      if (pick(0, 5) == 0) at = graph_.add("rows", op::AdaptiveAvgPool2d{{0, 1}}, {at});
      at = graph_.add("avgpool", op::AdaptiveAvgPool2d{{side, side}}, {at});
    }
    at = graph_.add("flatten", op::Flatten{}, {at});
    for (int i = 1; i <= hidden_layers; ++i) {
      const int hidden = pick(3, 33);
      const std::string name = "fc" + std::to_string(i);
      const std::int64_t columns = shape_of(at)[1];
      at = graph_.add(name,
                      op::Linear{tensor({hidden, columns}, std::sqrt(2.0 / static_cast<double>(columns))),
                                 tensor({hidden}, 0.2)},
                      {at});
      at = graph_.add(name + "relu", op::Relu{}, {at});
      at = graph_.add(name + "dropout", op::Identity{}, {at});
    }
    const std::int64_t columns = shape_of(at)[1];
    graph_.add("fc",
               op::Linear{tensor({classes, columns}, std::sqrt(2.0 / static_cast<double>(columns))),
                          tensor({classes}, 0.2)},
               {at});
  }

  std::mt19937 random_;
  bool channel_maps_, gates_;
  std::normal_distribution<double> normal_;
  Graph graph_;
  Shape shape_;
  std::vector<NodeId> nodes_;
};

}  // namespace ablaze::testing
