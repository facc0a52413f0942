#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

namespace ablaze::formats {
namespace {

constexpr std::int64_t kMostWindow = 1 << 16;
constexpr float kMost = std::numeric_limits<float>::max();  // a bound without effect

/// [K, O] -> [O, K]
Tensor transposed(const Weight& weight, float scale) {
  const std::int64_t rows = weight.shape()[0], columns = weight.shape()[1];
  const Tensor from = weight.to_tensor();
  Tensor to({columns, rows});
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c] * scale;
  }
  return to;
}

/// Adds zero taps before and after a kernel's taps, so that its window starts elsewhere.
Tensor widened(const Weight& weight, std::array<std::int64_t, 2> before, std::array<std::int64_t, 2> after) {
  const Shape& s = weight.shape();
  const Tensor from = weight.to_tensor();
  Tensor to({s[0], s[1], s[2] + before[0] + after[0], s[3] + before[1] + after[1]});
  const std::int64_t rows = to.dim(2), columns = to.dim(3);
  for (std::int64_t filter = 0; filter < s[0] * s[1]; ++filter) {
    for (std::int64_t y = 0; y < s[2]; ++y) {
      for (std::int64_t x = 0; x < s[3]; ++x) {
        to[(filter * rows + y + before[0]) * columns + x + before[1]] = from[(filter * s[2] + y) * s[3] + x];
      }
    }
  }
  return to;
}

}  // namespace

OnnxImporter::Windows OnnxImporter::windows(const OnnxNode& node, const OnnxFlow& from,
                                            std::array<int, 2> kernel) const {
  Windows w;
  w.kernel = kernel;
  const auto pair = [&](std::string_view attribute, std::array<int, 2>& out) {
    const auto found = node.attributes.find(attribute);
    if (found == node.attributes.end()) return;
    const auto& numbers = found->second.integers;
    if (numbers.size() != 2 || std::ranges::any_of(numbers, [](auto n) { return n < 1 || n > kMostWindow; }))
      refuse(node, "expected two numbers as its " + std::string(attribute));
    out = {static_cast<int>(numbers[0]), static_cast<int>(numbers[1])};
  };
  pair("kernel_shape", w.kernel);
  pair("strides", w.stride);
  pair("dilations", w.dilation);
  if (const auto found = node.attributes.find("pads"); found != node.attributes.end()) {
    const auto& pads = found->second.integers;
    if (pads.size() != 4 || std::ranges::any_of(pads, [](auto n) { return n < 0 || n > kMostWindow; }))
      refuse(node, "expected four numbers of at least zero as its pads");
    std::ranges::copy(pads, w.pads.begin());
  }
  const auto automatic = node.attributes.find("auto_pad");
  if (automatic != node.attributes.end() && automatic->second.text.starts_with("SAME")) {
    const bool upper = automatic->second.text == "SAME_UPPER";
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int64_t in = from.shape[axis + 2], out = (in + w.stride[axis] - 1) / w.stride[axis];
      const std::int64_t reach = std::int64_t{w.dilation[axis]} * (w.kernel[axis] - 1) + 1;
      const std::int64_t total = std::max<std::int64_t>((out - 1) * w.stride[axis] + reach - in, 0);
      w.pads[axis] = upper ? total / 2 : total - total / 2;
      w.pads[axis + 2] = total - w.pads[axis];
    }
  }
  for (std::size_t i = 0; i < 4; ++i) w.pads[i] += from.pads[i];
  if (std::ranges::any_of(w.pads, [](auto n) { return n > kMostWindow; }))
    refuse(node, "its pads are out of range");
  return w;
}

void OnnxImporter::require_symmetric(const OnnxNode& node, const Windows& windows) const {
  if (windows.pads[0] != windows.pads[2] || windows.pads[1] != windows.pads[3])
    refuse(node, "asymmetric padding is supported only for convolutions");
}

void OnnxImporter::conv(const OnnxNode& node) {
  const OnnxFlow& from = any_flow(node);
  if (from.shape.size() != 4 || from.groups != 0) refuse(node, "expected an N x C x H x W input");
  op::Conv2d conv;
  conv.weight = weight(node, 1);
  const Shape& shape = conv.weight.shape();
  if (shape.size() != 4 || *std::ranges::min_element(shape) < 1 || shape[2] > kMostWindow ||
      shape[3] > kMostWindow)
    refuse(node, "expected a weight of O x C x kh x kw, found " + to_string(shape));
  if (given(node, 2)) conv.bias = weight(node, 2);
  const Windows w = windows(node, from, {static_cast<int>(shape[2]), static_cast<int>(shape[3])});
  if (w.kernel[0] != shape[2] || w.kernel[1] != shape[3])
    refuse(node, "its kernel_shape differs from its weight's");
  const std::int64_t groups = integer(node, "group", 1);
  if (groups < 1 || groups > shape[0]) refuse(node, std::to_string(groups) + " groups do not fit its weight");
  conv.groups = static_cast<int>(groups);
  conv.stride = w.stride;
  conv.dilation = w.dilation;
  set_padding(node, conv, w.pads);
  OnnxFlow unpadded = from;
  unpadded.pads = {};
  Op op = std::move(conv);
  Shape out = shape_behind(node, op, from.shape);
  emit(node, std::move(op), unpadded, std::move(out));
}

void OnnxImporter::set_padding(const OnnxNode& node, op::Conv2d& conv,
                               const std::array<std::int64_t, 4>& pads) {
  std::array<std::int64_t, 2> before{}, after{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t low = pads[axis], high = pads[axis + 2], dilation = conv.dilation[axis];
    if ((high - low) % dilation != 0) refuse(node, "its pads do not fit its dilation");
    before[axis] = std::max<std::int64_t>(high - low, 0) / dilation;
    after[axis] = std::max<std::int64_t>(low - high, 0) / dilation;
    conv.padding[axis] = static_cast<int>(std::max(low, high));
  }
  constexpr std::int64_t most_taps = 64;
  if (std::max({before[0], before[1], after[0], after[1]}) > most_taps)
    refuse(node, "its pads are too different from side to side");
  if (before == after) return;
  const Shape& shape = conv.weight.shape();
  const std::int64_t rows = shape[2] + before[0] + after[0], columns = shape[3] + before[1] + after[1];
  pay(shape[0] * shape[1] * rows * columns);
  conv.weight = widened(conv.weight, before, after);
}

void OnnxImporter::batch_norm(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  if (integer(node, "training_mode", 0) != 0)
    refuse(node, "it is in training mode; export the network in eval mode");
  op::BatchNorm norm;
  norm.weight = weight(node, 1);
  norm.bias = weight(node, 2);
  norm.mean = weight(node, 3);
  norm.variance = weight(node, 4);
  norm.epsilon = real(node, "epsilon", 1e-5F);
  for (const Weight* w : {&norm.weight, &norm.bias, &norm.mean, &norm.variance}) {
    if (from.shape.size() < 2 || w->shape() != Shape{from.shape[1]})
      refuse(node, "expected one number per channel in its constants");
  }
  emit(node, std::move(norm), from, from.shape);
}

void OnnxImporter::relu(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  emit(node, op::Relu{}, from, from.shape);
}

void OnnxImporter::max_pool(const OnnxNode& node) {
  const OnnxFlow& from = planes(node);
  const Windows w = windows(node, from, {1, 1});
  require_symmetric(node, w);
  if (node.outputs.size() > 1 && readers_[node.outputs[1]] > 0)
    refuse(node, "its indices output is used, which is not supported");
  Op op = op::MaxPool2d{w.kernel, w.stride, w.symmetric(), w.dilation, integer(node, "ceil_mode", 0) != 0};
  Shape out = shape_behind(node, op, from.shape);
  emit(node, std::move(op), from, std::move(out));
}

void OnnxImporter::average_pool(const OnnxNode& node) {
  const OnnxFlow& padded = any_flow(node);
  if (padded.shape.size() != 4 || padded.groups != 0) refuse(node, "expected an N x C x H x W input");
  const bool zeros = padded.pads != std::array<std::int64_t, 4>{};
  const Windows w = windows(node, padded, {1, 1});
  require_symmetric(node, w);
  const bool own = node.attributes.contains("pads") &&
                   std::ranges::any_of(node.attributes.at("pads").integers, [](auto n) { return n != 0; });
  const bool include = integer(node, "count_include_pad", 0) != 0;
  if (w.dilation != std::array{1, 1}) refuse(node, "a dilated average pool is not supported");
  if (zeros && own && !include) refuse(node, "its own padding after a Pad is not supported");
  OnnxFlow from = padded;
  from.pads = {};
  Op op =
      op::AvgPool2d{w.kernel, w.stride, w.symmetric(), integer(node, "ceil_mode", 0) != 0, include || zeros};
  Shape out = shape_behind(node, op, from.shape);
  emit(node, std::move(op), from, std::move(out));
}

void OnnxImporter::global_average_pool(const OnnxNode& node) {
  const OnnxFlow& from = planes(node);
  emit(node, op::AdaptiveAvgPool2d{}, from, {from.shape[0], from.shape[1], 1, 1});
}

void OnnxImporter::reduce_mean(const OnnxNode& node) {
  const OnnxFlow& from = planes(node);
  auto axes = integers(node, "axes", 1).value_or(std::vector<std::int64_t>{});
  for (std::int64_t& a : axes) a = axis(node, a, 4);
  std::ranges::sort(axes);
  if (axes != std::vector<std::int64_t>{2, 3}) refuse(node, "only the mean of whole planes is supported");
  const Shape pooled{from.shape[0], from.shape[1], 1, 1};
  if (integer(node, "keepdims", 1) != 0) return emit(node, op::AdaptiveAvgPool2d{}, from, pooled);
  const NodeId mean = add(name_of(node), op::AdaptiveAvgPool2d{}, {from.node});
  const NodeId flat = add(unused(nodes_.back().name + ".flatten"), op::Flatten{}, {mean});
  set(node, OnnxFlow{flat, {from.shape[0], from.shape[1]}});
}

void OnnxImporter::gemm(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  const Weight& w = weight(node, 1);
  const bool by_rows = integer(node, "transB", 0) != 0;
  const float alpha = real(node, "alpha", 1), beta = real(node, "beta", 1);
  if (integer(node, "transA", 0) != 0 || w.shape().size() != 2 || from.shape.size() != 2 ||
      w.shape()[by_rows ? 1 : 0] != from.shape[1] || w.size() == 0)
    refuse(node,
           "its weight " + to_string(w.shape()) + " does not go with its input " + to_string(from.shape));
  op::Linear linear;
  const std::int64_t outputs = w.shape()[by_rows ? 0 : 1];
  linear.weight = by_rows ? w : Weight(transposed(w, 1));
  if (alpha != 1) {
    Tensor scaled_weight = linear.weight.to_tensor();
    for (float& v : scaled_weight.values()) v *= alpha;
    linear.weight = std::move(scaled_weight);
  }
  if (given(node, 2)) {
    const Weight& bias = weight(node, 2);
    if (bias.size() != outputs && bias.size() != 1)
      refuse(node, "its bias " + to_string(bias.shape()) + " does not fit");
    const Tensor from_bias = bias.to_tensor();
    Tensor all({outputs});
    for (std::int64_t i = 0; i < outputs; ++i) all[i] = from_bias[bias.size() == 1 ? 0 : i] * beta;
    linear.bias = std::move(all);
  }
  emit(node, std::move(linear), from, {from.shape[0], outputs});
}

void OnnxImporter::matmul(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  const Weight& w = weight(node, 1);
  if (w.shape().size() != 2 || from.shape.size() != 2 || w.shape()[0] != from.shape[1] || w.size() == 0)
    refuse(node,
           "its weight " + to_string(w.shape()) + " does not go with its input " + to_string(from.shape));
  emit(node, op::Linear{transposed(w, 1), {}}, from, {from.shape[0], w.shape()[1]});
}

void OnnxImporter::flatten(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  if (axis(node, integer(node, "axis", 1), from.shape.size()) != 1) refuse(node, "only axis 1 is supported");
  const std::int64_t features = element_count(Shape(from.shape.begin() + 1, from.shape.end()));
  emit(node, op::Flatten{}, from, {from.shape[0], features});
}

void OnnxImporter::identity(const OnnxNode& node) {
  if (node.outputs.size() > 1 && readers_[node.outputs[1]] > 0)
    refuse(node, "its mask output is used, which is not supported");
  if (const OnnxTensor* training = node.op == "Dropout" ? constant(node, 2) : nullptr;
      training != nullptr && std::ranges::any_of(training->integers, [](auto n) { return n != 0; }))
    refuse(node, "it is in training mode; export the network in eval mode");
  const OnnxFlow& from = any_flow(node);
  if (from.groups != 0 || from.pads != std::array<std::int64_t, 4>{}) return set(node, from);
  emit(node, op::Identity{}, from, from.shape);
}

void OnnxImporter::clip(const OnnxNode& node) {
  const OnnxFlow from = flow(node);
  const auto bound = [&](std::string_view attribute, std::size_t input, float otherwise) {
    if (node.attributes.contains(attribute)) return real(node, attribute, otherwise);
    if (!given(node, input)) return otherwise;
    const Weight& number = weight(node, input);
    if (number.size() != 1) refuse(node, "expected single numbers as its bounds");
    return number.to_tensor()[0];
  };
  const float low = bound("min", 1, -INFINITY), high = bound("max", 2, INFINITY);
  if (!(low <= high)) refuse(node, "expected two numbers as its bounds, the lower first");
  if (low == 0 && high > kMost) return emit(node, op::Relu{}, from, from.shape);
  emit(node, op::Curve{op::Curve::Kind::clip, std::max(low, -kMost), std::min(high, kMost)}, from,
       from.shape);
}

void OnnxImporter::curve(const OnnxNode& node) {
  using Kind = op::Curve::Kind;
  const OnnxFlow& from = flow(node);
  op::Curve curve{Kind::hard_swish};
  if (node.op == "HardSigmoid")
    curve = {Kind::hard_sigmoid, real(node, "alpha", 0.2F), real(node, "beta", 0.5F)};
  if (node.op == "Sqrt") curve = {Kind::power, 0.5F};
  if (node.op == "Reciprocal") curve = {Kind::power, -1};
  if (node.op == "Pow") {
    const Weight& exponent = weight(node, 1);
    if (exponent.size() != 1) refuse(node, "expected a single number as its exponent");
    curve = {Kind::power, exponent.to_tensor()[0]};
  }
  emit(node, curve, from, from.shape);
}

void OnnxImporter::sigmoid(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  if (is_output(node.outputs[0]) && from.shape.size() == 2) return head_activation(node);
  emit(node, op::Curve{}, from, from.shape);
}

/// x (bias + alpha / size times the sum of the squares of size neighbouring channels)^-beta: a product, a
/// convolution of bands, a power and a product.
void OnnxImporter::lrn(const OnnxNode& node) {
  const OnnxFlow from = planes(node);
  const std::int64_t channels = from.shape[1], size = integer(node, "size", 0);
  constexpr std::int64_t most_channels = 1 << 12;
  if (size < 1 || channels > most_channels) refuse(node, "its size or its channels are out of range");
  pay(channels * channels);
  op::Conv2d sums;
  Tensor bands({channels, channels, 1, 1}), bias({channels});
  const float share = real(node, "alpha", 1e-4F) / static_cast<float>(size);
  for (std::int64_t c = 0; c < channels; ++c) {
    bias[c] = real(node, "bias", 1);
    const std::int64_t end = std::min(channels - 1, c + size / 2);
    for (std::int64_t of = std::max<std::int64_t>(0, c - (size - 1) / 2); of <= end; ++of)
      bands[c * channels + of] = share;
  }
  sums.weight = std::move(bands);
  sums.bias = std::move(bias);
  const std::string name = name_of(node);
  NodeId at = add(unused(name + ".squares"), op::Multiply{}, {from.node, from.node});
  at = add(unused(name + ".sums"), std::move(sums), {at});
  at = add(unused(name + ".divisor"), op::Curve{op::Curve::Kind::power, -real(node, "beta", 0.75F)}, {at});
  set(node, OnnxFlow{add(name, op::Multiply{}, {from.node, at}), from.shape});
}

/// relu(x) - slope relu(-x)
void OnnxImporter::leaky_relu(const OnnxNode& node) {
  const OnnxFlow from = flow(node);
  const std::string name = name_of(node);
  const NodeId positive = add(unused(name + ".positive"), op::Relu{}, {from.node});
  NodeId negative = scaled(name + ".flipped", from.node, from.shape[1], -1, 0);
  negative = add(unused(name + ".negative"), op::Relu{}, {negative});
  negative = scaled(name + ".slope", negative, from.shape[1], -real(node, "alpha", 0.01F), 0);
  set(node, OnnxFlow{add(name, op::Add{}, {positive, negative}), from.shape});
}

/// Only at the output: scores are logits here.
void OnnxImporter::head_activation(const OnnxNode& node) {
  if (!is_output(node.outputs[0])) refuse_operator(node);
  const OnnxFlow& from = flow(node);
  if (from.shape.size() != 2)
    refuse(node, "expected one row of scores per image, found " + to_string(from.shape));
  network_.activation = node.op == "Sigmoid" ? Activation::sigmoid : Activation::softmax;
  set(node, from);
}

}  // namespace ablaze::formats
