#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

// Operators with weights, pools, means, and the end of the network.

namespace ablaze::formats {

std::vector<std::int64_t> engine_features(const std::vector<std::pair<Axis, std::int64_t>>& flattened) {
  std::array<std::int64_t, 4> extent{1, 1, 1, 1};
  for (const auto& [axis, size] : flattened) extent[static_cast<std::size_t>(axis)] = size;
  const std::array<std::int64_t, 4> stride{0, extent[2] * extent[3], extent[3], 1};
  std::vector<std::int64_t> features{0};
  for (const auto& [axis, size] : flattened) {
    std::vector<std::int64_t> finer;
    finer.reserve(features.size() * static_cast<std::size_t>(size));
    for (const std::int64_t at : features) {
      for (std::int64_t i = 0; i < size; ++i)
        finer.push_back(at + i * stride[static_cast<std::size_t>(axis)]);
    }
    features = std::move(finer);
  }
  return features;
}

namespace {

constexpr std::int64_t kMostWindow = 1 << 16;
constexpr std::int64_t kMostPads = 1 << 12;

/// [K, O] -> [O, K]
Tensor transposed(const Weight& weight) {
  const std::int64_t rows = weight.shape()[0], columns = weight.shape()[1];
  const Tensor from = weight.to_tensor();
  Tensor to({columns, rows});
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
  return to;
}

/// [O, K] with the columns in the engine's order of features.
Tensor reordered(const Tensor& weight, const std::vector<std::int64_t>& features) {
  Tensor to(weight.shape());
  const std::int64_t columns = weight.dim(1);
  for (std::int64_t r = 0; r < weight.dim(0); ++r) {
    for (std::int64_t c = 0; c < columns; ++c) to[r * columns + features[c]] = weight[r * columns + c];
  }
  return to;
}

Tensor filled(Shape shape, float value) {
  Tensor tensor(std::move(shape));
  std::ranges::fill(tensor.values(), value);
  return tensor;
}

}  // namespace

// ---- windows -----------------------------------------------------------------------------------------

Padding OnnxImporter::padding_of(const OnnxNode& node, const std::array<std::int64_t, 4>& pads) const {
  if (std::ranges::any_of(pads, [](auto n) { return n < 0 || n > kMostPads; }))
    refuse(node, "its pads are out of range; expected 0 to " + std::to_string(kMostPads));
  const auto side = [&](std::size_t i) { return static_cast<int>(pads[i]); };
  return {{side(0), side(1)}, {side(2), side(3)}};
}

/// Adds the flow's own pads to the operator's.
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
  const std::string_view automatic = text(node, "auto_pad");
  if (automatic.starts_with("SAME")) {
    w.padding = Padding(automatic == "SAME_UPPER" ? Padding::Kind::same_upper : Padding::Kind::same_lower);
    return w;
  }
  std::array<std::int64_t, 4> pads = from.pads;
  const auto found = node.attributes.find("pads");
  if (found != node.attributes.end() && automatic != "VALID") {
    const auto& own = found->second.integers;
    if (own.size() != 4) refuse(node, "expected four numbers as its pads");
    padding_of(node, {own[0], own[1], own[2], own[3]});
    for (std::size_t i = 0; i < 4; ++i) pads[i] += own[i];
  }
  w.padding = padding_of(node, pads);
  return w;
}

void OnnxImporter::conv(const OnnxNode& node) {
  OnnxFlow from = any_flow(node);
  require_nchw(node, from);
  if (from.padded() && text(node, "auto_pad").starts_with("SAME"))
    from = pad_planes(node, from, unused("pad"));
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
  conv.padding = w.padding;
  emit_nchw(node, std::move(conv), from);
}

void OnnxImporter::max_pool(const OnnxNode& node) {
  OnnxFlow from = any_flow(node);
  require_nchw(node, from);
  if (from.padded() && !from.pads_are_lowest) refuse(node, "it reads planes padded with zeros twice");
  if (node.outputs.size() > 1 && readers_.contains(node.outputs[1]))
    refuse(node, "its indices output is used, which is not supported");
  const Windows w = windows(node, from, {1, 1});
  // With ceil_mode a window may begin in a Pad's rows, but not in the pool's own.
  if (from.padded() && (w.padding.kind != Padding::Kind::fixed || integer(node, "ceil_mode", 0) != 0))
    refuse(node, "auto_pad or ceil_mode after a Pad with -infinity is not supported");
  emit_nchw(node,
            op::MaxPool2d{w.kernel, w.stride, w.padding, w.dilation, integer(node, "ceil_mode", 0) != 0},
            from);
}

void OnnxImporter::average_pool(const OnnxNode& node) {
  OnnxFlow from = any_flow(node);
  require_nchw(node, from);
  const bool include = integer(node, "count_include_pad", 0) != 0;
  bool zeros = from.padded();
  const auto own = node.attributes.find("pads");
  const bool pads = own != node.attributes.end() &&
                    std::ranges::any_of(own->second.integers, [](auto n) { return n != 0; });
  // A window counts the zeros of a Pad; the pool's own only with count_include_pad. With ceil_mode it may
  // begin in a Pad's rows, but not in the pool's own; and it must not lie in them alone.
  const auto kernel = node.attributes.find("kernel_shape");
  const bool wide = zeros && kernel != node.attributes.end() && !kernel->second.integers.empty() &&
                    std::ranges::max(from.pads) >= std::ranges::min(kernel->second.integers);
  if (zeros && ((pads && !include) || wide || integer(node, "ceil_mode", 0) != 0 ||
                text(node, "auto_pad").starts_with("SAME"))) {
    from = pad_planes(node, from, unused("pad"));
    zeros = false;
  }
  const Windows w = windows(node, from, {1, 1});
  if (w.dilation != std::array{1, 1}) refuse(node, "a dilated average pool is not supported");
  emit_nchw(
      node,
      op::AvgPool2d{w.kernel, w.stride, w.padding, integer(node, "ceil_mode", 0) != 0, include || zeros},
      from);
}

void OnnxImporter::global_average_pool(const OnnxNode& node) {
  emit_nchw(node, op::AdaptiveAvgPool2d{}, nchw(node));
}

void OnnxImporter::global_max_pool(const OnnxNode& node) {
  emit_nchw(node, op::GlobalMaxPool2d{}, nchw(node));
}

// ---- means, sums and maxima over axes ----------------------------------------------------------------

void OnnxImporter::reduce(const OnnxNode& node) {
  OnnxFlow from = flow(node);
  const std::size_t rank = from.shape.size();
  std::vector<std::int64_t> over;
  if (const auto given_axes = integers(node, "axes", 1); given_axes && !given_axes->empty()) {
    over = axes(node, *given_axes, rank);
  } else if (integer(node, "noop_with_empty_axes", 0) != 0) {
    return identity(node);
  } else {
    for (std::size_t i = 0; i < rank; ++i) over.push_back(static_cast<std::int64_t>(i));
  }
  const std::string name = name_of(node);
  const bool features = from.features;
  from = as_planes(node, from, name + ".planes");
  OnnxFlow to = reduced(node, from, over, name);
  if (integer(node, "keepdims", 1) != 0)
    return set(node, features ? as_features(to, name + ".features") : std::move(to));
  Shape shape;
  std::vector<Axis> order;
  for (std::size_t i = 0; i < rank; ++i) {
    if (std::ranges::find(over, static_cast<std::int64_t>(i)) != over.end()) continue;
    shape.push_back(to.shape[i]);
    order.push_back(to.order[i]);
  }
  set_axes(node, std::move(to), std::move(shape), std::move(order));
}

/// The axes stay, with size 1.
OnnxFlow OnnxImporter::reduced(const OnnxNode& node, OnnxFlow from, std::span<const std::int64_t> over,
                               const std::string& name) {
  std::array<bool, 4> all{};  // of the engine's axes
  double count = 1;
  for (const std::int64_t axis : over) {
    all[static_cast<std::size_t>(from.order[axis])] = true;
    count *= static_cast<double>(from.shape[axis]);
  }
  if (all[0] && from.size(Axis::images) > 1) refuse(node, "it mixes the images of a batch");
  const bool largest = node.op == "ReduceMax";
  if (largest && (all[1] || all[2] != all[3])) refuse(node, "only the maximum of whole planes is supported");
  const std::int64_t channels = from.size(Axis::channels);
  const std::string mean = largest ? ".max" : ".mean";
  if (all[2] || all[3]) {
    Op pool = op::AdaptiveAvgPool2d{{all[2] ? 1 : 0, all[3] ? 1 : 0}};
    if (largest) pool = op::GlobalMaxPool2d{};
    const bool last = !all[1] && node.op != "ReduceSum";
    from.node = add(last ? name : unused(name + mean), std::move(pool), {from.node});
  }
  if (node.op == "ReduceSum" && (all[2] || all[3])) network_.reads_its_size = true;
  const float share = node.op == "ReduceSum" ? static_cast<float>(count) : 1.0F;
  if (all[1]) {
    op::Conv2d conv;
    pay(channels);
    const double sum =
        node.op == "ReduceSum" ? count / static_cast<double>(channels) : 1 / static_cast<double>(channels);
    conv.weight = filled({1, channels, 1, 1}, static_cast<float>(sum));
    from.node = add(name, std::move(conv), {from.node});
  } else if (node.op == "ReduceSum") {
    from.node = scaled(name, from.node, channels, share, 0);
  }
  for (const std::int64_t axis : over) from.shape[axis] = 1;
  return from;
}

/// (x - mean) / sqrt(variance + epsilon) over the channels of each pixel, times a weight, plus a bias.
void OnnxImporter::layer_norm(const OnnxNode& node) {
  const OnnxFlow given_flow = flow(node);
  const std::string name = name_of(node);
  const OnnxFlow x = as_planes(node, given_flow, name + ".planes");
  const int at = x.position(Axis::channels);
  if (at < 0 || axis(node, integer(node, "axis", -1), x.shape.size()) != at ||
      at + 1 != static_cast<int>(x.shape.size()))
    refuse(node, "only a normalisation over the channels is supported");
  if (node.outputs.size() > 1 &&
      (readers_.contains(node.outputs[1]) || (node.outputs.size() > 2 && readers_.contains(node.outputs[2]))))
    refuse(node, "its mean or deviation is used, which is not supported");
  const std::int64_t channels = x.size(Axis::channels);
  constexpr std::int64_t most_channels = 1 << 16;
  if (channels > most_channels) refuse(node, "it has too many channels");
  pay(2 * channels);
  op::Conv2d minus_mean, mean;
  minus_mean.weight = filled({1, channels, 1, 1}, -1.0F / static_cast<float>(channels));
  mean.weight = filled({1, channels, 1, 1}, 1.0F / static_cast<float>(channels));
  const op::ChannelMap all{std::vector<int>(static_cast<std::size_t>(channels), 0)};
  NodeId centre = add(unused(name + ".mean"), std::move(minus_mean), {x.node});
  centre = add(unused(name + ".mean.repeated"), all, {centre});
  centre = add(unused(name + ".centred"), op::Add{}, {x.node, centre});
  NodeId variance = add(unused(name + ".squares"), op::Multiply{}, {centre, centre});
  variance = add(unused(name + ".variance"), std::move(mean), {variance});
  variance = scaled(name + ".epsilon", variance, 1, 1, real(node, "epsilon", 1e-5F));
  variance = add(unused(name + ".divisor"), op::Curve{op::Curve::Kind::power, -0.5F}, {variance});
  variance = add(unused(name + ".divisor.repeated"), all, {variance});
  OnnxFlow to = x;
  to.node = add(unused(name + ".normalised"), op::Multiply{}, {centre, variance});
  const auto numbers = [&](std::size_t input, float otherwise) {
    std::vector<float> values(static_cast<std::size_t>(channels), otherwise);
    if (!given(node, input)) return values;
    const Weight& own = weight(node, input);
    if (own.size() != channels) refuse(node, "expected one number per channel in its constants");
    own.read(0, values);
    return values;
  };
  to.node = scaled(name, to.node, numbers(1, 1), numbers(2, 0));
  if (given_flow.features) to = as_features(to, name + ".features");
  set(node, std::move(to));
}

// ---- weights -----------------------------------------------------------------------------------------

void OnnxImporter::batch_norm(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  if (integer(node, "training_mode", 0) != 0)
    refuse(node, "it is in training mode; export the network in eval mode");
  if (integer(node, "spatial", 1) == 0) refuse(node, "spatial=0 (a mean per pixel) is not supported");
  op::BatchNorm norm;
  norm.weight = weight(node, 1);
  norm.bias = weight(node, 2);
  norm.mean = weight(node, 3);
  norm.variance = weight(node, 4);
  norm.epsilon = real(node, "epsilon", 1e-5F);
  require_channels(node, from);
  if (from.position(Axis::channels) != 1)
    refuse(node, "expected the channels on its input's second axis, found " + to_string(from.shape));
  for (const Weight* w : {&norm.weight, &norm.bias, &norm.mean, &norm.variance}) {
    if (w->shape() != Shape{from.shape[1]}) refuse(node, "expected one number per channel in its constants");
  }
  emit_like(node, std::move(norm), from);
}

void OnnxImporter::gemm(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  if (!from.features)
    refuse(node,
           "expected one row of features per image (N x K), found planes of " + to_string(from.planes()));
  const Weight& w = weight(node, 1);
  const bool by_rows = integer(node, "transB", 0) != 0;
  const float alpha = real(node, "alpha", 1), beta = real(node, "beta", 1);
  if (integer(node, "transA", 0) != 0 || w.shape().size() != 2 || from.shape.size() != 2 ||
      w.shape()[by_rows ? 1 : 0] != from.shape[1] || w.size() == 0)
    refuse(node,
           "its weight " + to_string(w.shape()) + " does not go with its input " + to_string(from.shape));
  const std::int64_t outputs = w.shape()[by_rows ? 0 : 1];
  Weight bias;
  if (given(node, 2)) {
    const Weight& own = weight(node, 2);
    if (own.size() != outputs && own.size() != 1)
      refuse(node, "its bias " + to_string(own.shape()) + " does not fit");
    const Tensor numbers = own.to_tensor();
    Tensor all({outputs});
    for (std::int64_t i = 0; i < outputs; ++i) all[i] = numbers[own.size() == 1 ? 0 : i] * beta;
    bias = std::move(all);
  }
  if (by_rows && alpha == 1 && !from.reordered()) {  // as the file has it, without a copy
    OnnxFlow to = from;
    to.shape = {from.shape[0], outputs};
    to.flattened.clear();
    to.node = add(name_of(node), op::Linear{w, bias}, {from.node});
    return set(node, std::move(to));
  }
  Tensor rows = by_rows ? w.to_tensor() : transposed(w);
  if (alpha != 1) {
    for (float& v : rows.values()) v *= alpha;
  }
  emit_linear(node, std::move(rows), bias, from);
}

/// On features a linear layer; on planes whose channels are the last axis, a 1x1 convolution.
void OnnxImporter::matmul(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  const Weight& w = weight(node, 1);
  if (w.shape().size() != 2 || from.shape.empty() || w.shape()[0] != from.shape.back() || w.size() == 0 ||
      from.order.back() != Axis::channels)
    refuse(node,
           "its weight " + to_string(w.shape()) + " does not go with its input " + to_string(from.shape));
  emit_linear(node, transposed(w), {}, from);
}

void OnnxImporter::emit_linear(const OnnxNode& node, Tensor weight, Weight bias, const OnnxFlow& from) {
  const std::int64_t outputs = weight.dim(0), inputs = weight.dim(1);
  OnnxFlow to = from;
  to.flattened.clear();
  to.shape.back() = outputs;
  if (from.reordered()) weight = reordered(weight, engine_features(from.flattened));
  if (from.features) {
    to.node = add(name_of(node), op::Linear{std::move(weight), std::move(bias)}, {from.node});
  } else {
    op::Conv2d conv;
    conv.weight = Tensor({outputs, inputs, 1, 1}, weight.values());
    conv.bias = std::move(bias);
    to.node = add(name_of(node), std::move(conv), {from.node});
  }
  set(node, std::move(to));
}

// ---- no change ---------------------------------------------------------------------------------------

void OnnxImporter::identity(const OnnxNode& node) {
  if (node.outputs.size() > 1 && readers_.contains(node.outputs[1]))
    refuse(node, "its mask output is used, which is not supported");
  if (const OnnxTensor* training = node.op == "Dropout" ? constant(node, 2) : nullptr;
      training != nullptr && std::ranges::any_of(training->integers, [](auto n) { return n != 0; }))
    refuse(node, "it is in training mode; export the network in eval mode");
  const OnnxFlow& from = any_flow(node);
  if (from.groups != 0 || from.padded()) return set(node, from);
  emit_like(node, op::Identity{}, from);
}

/// Between floats; a cast to integers rounds, which is no identity.
void OnnxImporter::cast(const OnnxNode& node) {
  const bool half_like = node.op == "CastLike" && constant(node, 1) != nullptr && !constant(node, 1)->floats;
  const std::int64_t to = node.op == "CastLike" ? (half_like ? int64 : float32) : integer(node, "to", 0);
  const OnnxFlow& from = any_flow(node);
  const bool of_pixels = network_.whole_numbers && from.node == 0;
  if (!is_float(to) && !(of_pixels && to != boolean && to != int8))
    refuse(node, "it turns activations into " + std::string(to == boolean ? "truth values" : "integers") +
                     ", which is not supported");
  if (to == float16 || to == bfloat16) computes_in_halves_ = true;
  set(node, from);
}

/// x (bias + alpha / size times the sum of the squares of size neighbouring channels)^-beta: a product, a
/// convolution of bands, a power and a product.
void OnnxImporter::lrn(const OnnxNode& node) {
  const OnnxFlow from = nchw(node);
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
  OnnxFlow to = from;
  to.node = add(name, op::Multiply{}, {from.node, at});
  set(node, std::move(to));
}

/// Only at the output: scores are logits here.
void OnnxImporter::head_activation(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  const auto rank = from.shape.size();
  if (!ends_network(node.outputs[0])) refuse(node, "it is supported only at the end of the network");
  if (node.op != "Sigmoid") {
    // Before opset 13 the axes from this one on were taken together.
    const bool last_only = model_.opset >= 13;
    const std::int64_t over = axis(node, integer(node, "axis", last_only ? -1 : 1), rank);
    std::int64_t classes = 1;
    for (std::size_t i = static_cast<std::size_t>(over);
         i < (last_only ? static_cast<std::size_t>(over) + 1 : rank); ++i)
      classes *= from.shape[i];
    const bool all = from.size(Axis::rows) * from.size(Axis::columns) == 1 &&
                     from.shape[over] == from.size(Axis::channels) && classes == from.size(Axis::channels);
    const bool channels = from.order[over] == Axis::channels || classes == 1;
    if (!all || !channels || (over == 0 && rank > 1))
      refuse(node, "its axis " + std::to_string(integer(node, "axis", last_only ? -1 : 1)) +
                       " is not that of the classes of " + to_string(from.shape));
  }
  network_.activation = node.op == "Sigmoid" ? Activation::sigmoid : Activation::softmax;
  set(node, from);
}

}  // namespace ablaze::formats
