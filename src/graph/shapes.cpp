#include <algorithm>
#include <cmath>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/graph.hpp>

namespace ablaze {
namespace {

// Far above any axis, stride or padding of a real network; keeps the arithmetic below from overflowing.
constexpr std::int64_t kMostExtent = std::int64_t{1} << 20;
constexpr std::int64_t kMostPadding = 1 << 12;
constexpr std::int64_t kMostFeatures = std::int64_t{1} << 28;

/// Throws the error of a layer.
[[noreturn]] void fail(const Node& node, const std::string& what) {
  throw Error("layer " + node.name + " (" + std::string(op_name(node.op)) + "): " + what);
}

void expect_shape(const Node& node, const char* name, const Weight& weight, const Shape& expected) {
  if (weight.shape() == expected) return;
  fail(node, "expected " + std::string(name) + " of " + to_string(expected) + ", found " +
                 to_string(weight.shape()));
}

void expect_optional(const Node& node, const char* name, const Weight& weight, const Shape& expected) {
  if (weight) expect_shape(node, name, weight, expected);
}

void expect_spatial(const Node& node, const Shape& in) {
  if (in.size() != 4) fail(node, "expected an N x C x H x W input, found " + to_string(in));
}

struct Window {
  std::int64_t kernel, stride, before, after, dilation;
  bool ceil_mode;
};

/// Output size of a sliding window along one axis, as in PyTorch.
std::int64_t window_outputs(const Node& node, std::int64_t in, const Window& w) {
  if (w.before < 0 || w.after < 0 || w.before > kMostPadding || w.after > kMostPadding)
    fail(node, "its padding is out of range");
  const std::int64_t reach = w.dilation * (w.kernel - 1) + 1;
  const std::int64_t room = in + w.before + w.after - reach;
  if (room < 0) {
    fail(node, "a window of " + std::to_string(reach) + " does not fit an input of " + std::to_string(in) +
                   " with padding " + std::to_string(w.before) +
                   (w.after == w.before ? std::string() : " and " + std::to_string(w.after)) +
                   "; use a larger image");
  }
  std::int64_t out = (room + (w.ceil_mode ? w.stride - 1 : 0)) / w.stride + 1;
  // A window that would start in the far padding is dropped.
  if (w.ceil_mode && (out - 1) * w.stride >= in + w.before) --out;
  return out;
}

void expect_window(const Node& node, const std::array<int, 2>& kernel, const std::array<int, 2>& stride,
                   const std::array<int, 2>& dilation) {
  for (std::size_t axis = 0; axis < 2; ++axis) {
    if (kernel[axis] < 1 || stride[axis] < 1 || dilation[axis] < 1 || kernel[axis] > kMostExtent ||
        stride[axis] > kMostExtent || dilation[axis] > kMostExtent)
      fail(node, "its kernel, stride or dilation is out of range");
  }
}

/// The height and width that a window leaves of an input.
std::array<std::int64_t, 2> window_outputs(const Node& node, const Shape& in,
                                           const std::array<int, 2>& kernel, const std::array<int, 2>& stride,
                                           const Padding& padding, const std::array<int, 2>& dilation,
                                           bool ceil_mode) {
  expect_window(node, kernel, stride, dilation);
  const Padding zeros = padding.at({in[2], in[3]}, kernel, stride, dilation);
  std::array<std::int64_t, 2> out{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    out[axis] = window_outputs(
        node, in[axis + 2],
        {kernel[axis], stride[axis], zeros.before[axis], zeros.after[axis], dilation[axis], ceil_mode});
  }
  return out;
}

/// The output shape of one node from its inputs' shapes.
struct Infer {
  const Node& node;
  const std::vector<const Shape*>& in;
  const Shape& first() const { return *in[0]; }

  Shape operator()(const op::Input& input) const {
    (void)input;
    return {};
  }
  Shape operator()(const op::Conv2d& conv) const {
    expect_spatial(node, first());
    const Shape& weight = conv.weight.shape();
    if (!conv.weight || weight.size() != 4)
      fail(node, "expected a weight of O x C x kh x kw, found " + to_string(weight));
    const std::int64_t groups = conv.groups;
    if (weight[0] > kMostExtent) fail(node, "its weight is out of range: " + to_string(weight));
    if (groups < 1 || weight[0] < 1 || weight[0] % groups != 0) {
      fail(node, std::to_string(weight[0]) + " output channels do not split into " + std::to_string(groups) +
                     " groups");
    }
    if (weight[1] < 1 || weight[1] > kMostExtent || first()[1] != weight[1] * groups) {
      fail(node, "its weight is made for " + std::to_string(weight[1]) + " x " + std::to_string(groups) +
                     " input channels, but its input has " + std::to_string(first()[1]));
    }
    expect_optional(node, "bias", conv.bias, {weight[0]});
    if (weight[2] > kMostExtent || weight[3] > kMostExtent)
      fail(node, "its weight is out of range: " + to_string(weight));
    const auto [height, width] =
        window_outputs(node, first(), {static_cast<int>(weight[2]), static_cast<int>(weight[3])}, conv.stride,
                       conv.padding, conv.dilation, false);
    return {first()[0], weight[0], height, width};
  }
  Shape operator()(const op::BatchNorm& norm) const {
    if (first().size() < 2) fail(node, "expected channels on the second axis, found " + to_string(first()));
    const Shape channels{first()[1]};
    expect_shape(node, "running_mean", norm.mean, channels);
    expect_shape(node, "running_var", norm.variance, channels);
    expect_optional(node, "weight", norm.weight, channels);
    expect_optional(node, "bias", norm.bias, channels);
    return first();
  }
  Shape operator()(const op::MaxPool2d& pool) const { return pooled(pool, pool.dilation); }
  Shape operator()(const op::AvgPool2d& pool) const { return pooled(pool, {1, 1}); }
  Shape operator()(const op::AdaptiveAvgPool2d& pool) const {
    expect_spatial(node, first());
    Shape out = first();
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const int n = pool.output[axis];
      if (n < 0 || n > 65536) fail(node, "its output size is out of range");
      if (n > 0) out[axis + 2] = n;
    }
    return out;
  }
  Shape operator()(const op::GlobalMaxPool2d&) const {
    expect_spatial(node, first());
    return {first()[0], first()[1], 1, 1};
  }
  Shape operator()(const op::Linear& linear) const {
    const Shape& weight = linear.weight.shape();
    if (!linear.weight || weight.size() != 2 || weight[0] < 1)
      fail(node, "expected a weight of O x K, found " + to_string(weight));
    if (weight[0] > kMostExtent || weight[1] > kMostFeatures) {
      fail(node, "its weight is out of range: " + to_string(weight));
    }
    if (first().size() != 2 || first()[1] != weight[1]) {
      fail(node, "its weight is made for " + std::to_string(weight[1]) + " features, but its input is " +
                     to_string(first()) + "; use an input of the size that the network was made for");
    }
    expect_optional(node, "bias", linear.bias, {weight[0]});
    return {first()[0], weight[0]};
  }
  Shape operator()(const op::Flatten&) const {
    return {first()[0], element_count(Shape(first().begin() + 1, first().end()))};
  }
  Shape operator()(const op::Add&) const {
    if (*in[0] != *in[1])
      fail(node, "adds tensors of shapes " + to_string(*in[0]) + " and " + to_string(*in[1]));
    return first();
  }
  Shape operator()(const op::Multiply&) const {
    if (*in[0] == *in[1]) return first();
    for (const auto& [whole, factor] : {std::pair{in[0], in[1]}, std::pair{in[1], in[0]}}) {
      if (whole->size() == 4 && *factor == Shape{(*whole)[0], (*whole)[1], 1, 1}) return *whole;
    }
    fail(node, "multiplies tensors of shapes " + to_string(*in[0]) + " and " + to_string(*in[1]) +
                   "; expected equal shapes, or a factor of one number per channel");
  }
  Shape operator()(const op::Unflatten&) const {
    if (first().size() != 2) fail(node, "expected an N x C input, found " + to_string(first()));
    return {first()[0], first()[1], 1, 1};
  }
  Shape operator()(const op::Curve& curve) const {
    if (!std::isfinite(curve.a) || !std::isfinite(curve.b) ||
        (curve.kind == op::Curve::Kind::clip && curve.a > curve.b))
      fail(node, "its numbers are out of range");
    return first();
  }
  Shape operator()(const op::ChannelMap& map) const {
    expect_spatial(node, first());
    for (const int channel : map.from) {
      if (channel < -1 || channel >= first()[1])
        fail(node, "it reads channel " + std::to_string(channel) + " of " + std::to_string(first()[1]));
    }
    if (map.from.empty() || static_cast<std::int64_t>(map.from.size()) > kMostExtent)
      fail(node, "it has " + std::to_string(map.from.size()) + " output channels");
    const auto [height, width] = window_outputs(node, first(), {1, 1}, map.stride, {}, {1, 1}, false);
    return {first()[0], static_cast<std::int64_t>(map.from.size()), height, width};
  }
  Shape operator()(const op::Relu&) const { return first(); }
  Shape operator()(const op::Identity&) const { return first(); }

 private:
  template <class Pool>
  Shape pooled(const Pool& pool, const std::array<int, 2>& dilation) const {
    expect_spatial(node, first());
    expect_window(node, pool.kernel, pool.stride, dilation);
    const Padding zeros = pool.padding.at({first()[2], first()[3]}, pool.kernel, pool.stride, dilation);
    for (std::size_t axis = 0; axis < 2; ++axis) {
      // Every window then reads the input: a dilated one with more padding could have taps in the padding
      // alone.
      const int most = dilation[axis] == 1 ? pool.kernel[axis] - 1 : pool.kernel[axis] / 2;
      if (std::max(zeros.before[axis], zeros.after[axis]) > most)
        fail(node, dilation[axis] == 1 ? "its padding is not smaller than its kernel"
                                       : "its padding is more than half of its kernel");
    }
    const auto [height, width] =
        window_outputs(node, first(), pool.kernel, pool.stride, pool.padding, dilation, pool.ceil_mode);
    return {first()[0], first()[1], height, width};
  }
};

void check_input(const Node& node, const Shape& input) {
  if (input.size() != 4) fail(node, "expected an N x C x H x W input, found " + to_string(input));
  for (const std::int64_t n : input) {
    if (n < 1 || n > kMostExtent) fail(node, "an input of shape " + to_string(input) + " is out of range");
  }
  const Shape& made_for = std::get<op::Input>(node.op).shape;
  if (!made_for.empty() && made_for[0] > 0 && made_for[0] != input[1]) {
    fail(node, "expected " + std::to_string(made_for[0]) + " channels, found " + std::to_string(input[1]));
  }
  for (std::size_t axis = 1; axis < made_for.size() && axis < 3; ++axis) {
    if (made_for[axis] > 0 && made_for[axis] != input[axis + 1])
      fail(node, "the network takes inputs of " + to_string(made_for) + " alone, found " + to_string(input));
  }
}

}  // namespace

Padding Padding::at(std::array<std::int64_t, 2> input, std::array<int, 2> kernel, std::array<int, 2> stride,
                    std::array<int, 2> dilation) const {
  if (kind == Kind::fixed) return *this;
  Padding zeros;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t outputs = (input[axis] + stride[axis] - 1) / stride[axis];
    const std::int64_t reach = std::int64_t{dilation[axis]} * (kernel[axis] - 1) + 1;
    const std::int64_t total = std::clamp<std::int64_t>((outputs - 1) * stride[axis] + reach - input[axis], 0,
                                                        std::int64_t{2} * kMostPadding);
    const std::int64_t less = total / 2;
    zeros.before[axis] = static_cast<int>(kind == Kind::same_upper ? less : total - less);
    zeros.after[axis] = static_cast<int>(total) - zeros.before[axis];
  }
  return zeros;
}

std::vector<Shape> Graph::infer_shapes(const Shape& input) const {
  if (nodes_.empty()) throw Error("the network is empty");
  check_input(nodes_.front(), input);
  std::vector<Shape> shapes;
  shapes.reserve(nodes_.size());
  shapes.push_back(input);
  std::vector<const Shape*> in;
  for (std::size_t i = 1; i < nodes_.size(); ++i) {
    in.clear();
    for (const NodeId id : nodes_[i].inputs) in.push_back(&shapes[id]);
    shapes.push_back(std::visit(Infer{nodes_[i], in}, nodes_[i].op));
    element_count(shapes.back());  // rejects overflow
  }
  return shapes;
}

}  // namespace ablaze
