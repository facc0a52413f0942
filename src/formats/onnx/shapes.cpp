#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

// Data movement and sums: slices, concatenations, reshapes.

namespace ablaze::formats {
namespace {

/// The per-channel values of a constant combined with a flow; empty where it is not per-channel.
std::vector<float> by_channel(const OnnxTensor& constant, const Shape& flow) {
  Tensor numbers;
  if (constant.floats) {
    numbers = constant.floats.to_tensor();
  } else {
    numbers = Tensor({static_cast<std::int64_t>(constant.integers.size())});
    std::ranges::transform(constant.integers, numbers.data(),
                           [](std::int64_t n) { return static_cast<float>(n); });
  }
  const std::int64_t channels = flow[1];
  std::vector<float> result(channels);
  if (numbers.size() == 1) {
    std::ranges::fill(result, numbers[0]);
    return result;
  }
  // Aligned from the last axis: [C, 1, 1] or [1, C, 1, 1] for planes, [C] or [1, C] for rows.
  const std::size_t trailing = flow.size() - 2;
  const Shape& shape = constant.shape;
  const bool aligned = shape.size() > trailing && shape.size() <= flow.size() &&
                       shape[shape.size() - 1 - trailing] == channels && numbers.size() == channels;
  if (!aligned) return {};
  std::ranges::copy(numbers.values(), result.begin());
  return result;
}

Tensor tensor_of(const std::vector<float>& numbers) {
  return Tensor({static_cast<std::int64_t>(numbers.size())}, numbers);
}

std::vector<int> range(std::int64_t begin, std::int64_t count) {
  std::vector<int> result(count);
  std::iota(result.begin(), result.end(), static_cast<int>(begin));
  return result;
}

}  // namespace

// ---- sums --------------------------------------------------------------------------------------------

void OnnxImporter::arithmetic(const OnnxNode& node) {
  const OnnxTensor *a = constant(node, 0), *b = constant(node, 1);
  if (b != nullptr) return arithmetic_with_constant(node, flow(node, 0), *b, false);
  if (a != nullptr) return arithmetic_with_constant(node, flow(node, 1), *a, true);
  arithmetic_of_flows(node);
}

void OnnxImporter::arithmetic_of_flows(const OnnxNode& node) {
  if (node.op == "Mul" || node.op == "Div") return product(node);
  const OnnxFlow a = flow(node, 0), b = flow(node, 1);
  if (a.shape != b.shape)
    refuse(node, "it adds different shapes, " + to_string(a.shape) + " and " + to_string(b.shape));
  const std::string name = name_of(node);
  NodeId second = b.node;
  if (node.op == "Sub") second = scaled(name + ".subtracted", second, b.shape[1], -1, 0);
  set(node, OnnxFlow{add(name, op::Add{}, {a.node, second}), a.shape});
}

/// A product of activations; division multiplies by a power. A factor may have one number per channel or one
/// per pixel.
void OnnxImporter::product(const OnnxNode& node) {
  const bool divides = node.op == "Div";
  if (!divides && (gate_itself(node, 0) || gate_itself(node, 1))) return;
  std::array<OnnxFlow, 2> factors{flow(node, 0), flow(node, 1)};
  const std::string name = name_of(node);
  if (divides)
    factors[1].node =
        add(unused(name + ".divisor"), op::Curve{op::Curve::Kind::power, -1}, {factors[1].node});
  for (std::size_t i = 0; i < 2; ++i) {
    OnnxFlow& factor = factors[i];
    const Shape& whole = factors[1 - i].shape;
    if (factor.shape == whole || factor.shape.size() != 4 || whole.size() != 4 || factor.shape[1] != 1)
      continue;
    const op::ChannelMap repeated{std::vector<int>(static_cast<std::size_t>(whole[1]), 0)};
    factor.node = add(unused(name + ".repeated"), repeated, {factor.node});
    factor.shape[1] = whole[1];
  }
  const auto fits = [](const Shape& whole, const Shape& factor) {
    return whole == factor || (whole.size() == 4 && factor == Shape{whole[0], whole[1], 1, 1});
  };
  const Shape &a = factors[0].shape, &b = factors[1].shape;
  if (!fits(a, b) && !fits(b, a))
    refuse(node, "the shapes " + to_string(a) + " and " + to_string(b) + " do not match");
  const NodeId id = add(name, op::Multiply{}, {factors[0].node, factors[1].node});
  set(node, OnnxFlow{id, fits(a, b) ? a : b});
}

/// x sigmoid(x) and x hard-sigmoid(x) each become one curve, at the position where the exporter first used
/// the module's name.
bool OnnxImporter::gate_itself(const OnnxNode& node, std::size_t gate) {
  using Kind = op::Curve::Kind;
  const OnnxFlow &by = flow(node, gate), &x = flow(node, 1 - gate);
  Node& read = nodes_[by.node];
  auto* curve = std::get_if<op::Curve>(&read.op);
  if (curve == nullptr || read.inputs[0] != x.node || readers_[node.inputs[gate]] != 1) return false;
  const bool swish =
      curve->kind == Kind::hard_sigmoid && std::abs(curve->a - 1.0F / 6) < 1e-6F && curve->b == 0.5F;
  if (!swish && curve->kind != Kind::sigmoid) return false;
  *curve = op::Curve{swish ? Kind::hard_swish : Kind::silu};
  set(node, by);
  return true;
}

/// One number per channel: a BatchNorm without normalisation, or the bias of the preceding linear layer.
void OnnxImporter::arithmetic_with_constant(const OnnxNode& node, const OnnxFlow& from, const OnnxTensor& by,
                                            bool reversed) {
  const std::vector<float> numbers = by_channel(by, from.shape);
  if (numbers.empty())
    refuse(node, "expected a constant of one number, or one per channel, found " + to_string(by.shape));
  std::vector<float> scale(numbers.size(), 1), shift(numbers.size(), 0);
  for (std::size_t c = 0; c < numbers.size(); ++c) {
    if (node.op == "Add") shift[c] = numbers[c];
    if (node.op == "Sub") shift[c] = reversed ? numbers[c] : -numbers[c];
    if (node.op == "Sub" && reversed) scale[c] = -1;
    if (node.op == "Mul") scale[c] = numbers[c];
    if (node.op == "Div") scale[c] = reversed ? numbers[c] : 1 / numbers[c];
  }
  auto* linear = std::get_if<op::Linear>(&nodes_[from.node].op);
  const std::string_view read = node.inputs[reversed ? 1 : 0];
  if (node.op == "Add" && linear != nullptr && !linear->bias && readers_[read] == 1) {
    linear->bias = tensor_of(shift);
    return set(node, from);
  }
  const std::vector<float> zeros(numbers.size(), 0), ones(numbers.size(), 1);
  OnnxFlow scaled_flow = from;
  const std::string name = name_of(node);
  if (node.op == "Div" && reversed)
    scaled_flow.node = add(unused(name + ".divisor"), op::Curve{op::Curve::Kind::power, -1}, {from.node});
  op::BatchNorm affine{tensor_of(scale), tensor_of(shift), tensor_of(zeros), tensor_of(ones), 0};
  scaled_flow.node = add(name, std::move(affine), {scaled_flow.node});
  set(node, std::move(scaled_flow));
}

void OnnxImporter::sum(const OnnxNode& node) {
  OnnxFlow total = flow(node, 0);
  const std::string name = name_of(node);
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    const OnnxFlow& next = flow(node, i);
    if (next.shape != total.shape) refuse(node, "it adds different shapes");
    const bool last = i + 1 == node.inputs.size();
    total.node = add(last ? name : unused(name + ".part"), op::Add{}, {total.node, next.node});
  }
  set(node, total);
}

// ---- shapes ------------------------------------------------------------------------------------------

void OnnxImporter::reshape(const OnnxNode& node) {
  const OnnxFlow from = any_flow(node);
  if (from.pads != std::array<std::int64_t, 4>{}) refuse(node, "it follows a Pad");
  std::vector<std::int64_t> wanted = integers(node, "shape", 1).value_or(std::vector<std::int64_t>{});
  if (wanted.size() > kMostAxes) refuse(node, "its result has too many axes");
  const std::int64_t elements = element_count(from.shape);
  std::int64_t known = 1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0 && integer(node, "allowzero", 0) == 0 && i < from.shape.size())
      wanted[i] = from.shape[i];
    if (wanted[i] == -1) continue;
    if (wanted[i] < 1 || wanted[i] > elements / known)
      refuse(node, "its shape does not fit " + to_string(from.shape));
    known *= wanted[i];
  }
  if (const auto open = std::ranges::find(wanted, -1); open != wanted.end()) *open = elements / known;
  if (dense_bytes(wanted, 1) != static_cast<std::uint64_t>(elements) || wanted.empty() ||
      wanted[0] != from.shape[0])
    refuse(node, "its shape " + to_string(wanted) + " does not fit " + to_string(from.shape));

  const Shape& is = from.shape;
  if (from.groups != 0) {  // back from [N, a, b, H, W]
    const Shape whole{is[0], is[1] * is[2], is[3], is[4]};
    if (wanted != whole) refuse(node, "split channels are supported only for a channel shuffle");
    OnnxFlow joined{from.node, whole};
    if (!from.swapped) return set(node, joined);
    std::vector<int> channels;
    for (std::int64_t i = 0; i < is[1]; ++i) {
      for (std::int64_t j = 0; j < is[2]; ++j) channels.push_back(static_cast<int>(j * is[1] + i));
    }
    return map_channels(node, joined, std::move(channels), {1, 1}, 0);
  }
  if (wanted == is) return emit(node, op::Identity{}, from, is);
  if (wanted.size() == 2) return emit(node, op::Flatten{}, from, wanted);
  if (is.size() == 2 && wanted == Shape{is[0], is[1], 1, 1}) return emit(node, op::Unflatten{}, from, wanted);
  if (is.size() == 4 && wanted.size() == 5 && wanted[3] == is[2] && wanted[4] == is[3]) {
    return set(node, OnnxFlow{from.node, wanted, {}, wanted[1], false});
  }
  refuse(node, "from " + to_string(is) + " to " + to_string(wanted) + " is not supported");
}

void OnnxImporter::transpose(const OnnxNode& node) {
  OnnxFlow from = any_flow(node);
  const auto order = integers(node, "perm", 99).value_or(std::vector<std::int64_t>{});
  if (from.groups == 0 || from.swapped || order != std::vector<std::int64_t>{0, 2, 1, 3, 4})
    refuse(node, "on activations, only the shuffle of channel groups is supported");
  from.swapped = true;
  std::swap(from.shape[1], from.shape[2]);
  set(node, std::move(from));
}

/// [N, C, 1, 1] -> [N, C]
void OnnxImporter::squeeze(const OnnxNode& node) {
  const OnnxFlow& from = planes(node);
  auto axes = integers(node, "axes", 1).value_or(std::vector<std::int64_t>{2, 3});
  for (std::int64_t& a : axes) a = axis(node, a, 4);
  std::ranges::sort(axes);
  if (axes != std::vector<std::int64_t>{2, 3} || from.shape[2] != 1 || from.shape[3] != 1)
    refuse(node, "only the last two axes, of size 1, are supported");
  emit(node, op::Flatten{}, from, {from.shape[0], from.shape[1]});
}

/// [N, C] -> [N, C, 1, 1], in one node or in two
void OnnxImporter::unsqueeze(const OnnxNode& node) {
  OnnxFlow from = any_flow(node);
  auto axes = integers(node, "axes", 1).value_or(std::vector<std::int64_t>{});
  for (std::int64_t& a : axes) a = axis(node, a, from.shape.size() + axes.size());
  std::ranges::sort(axes);
  const bool rows = from.shape.size() == 2 && axes == std::vector<std::int64_t>{2, 3};
  const bool half = from.shape.size() == 2 && axes == std::vector<std::int64_t>{2};
  const bool other_half = from.shape.size() == 3 && axes == std::vector<std::int64_t>{3};
  if (half) {
    from.shape.push_back(1);
    return set(node, std::move(from));
  }
  if (!rows && !other_half) refuse(node, "only two axes of size 1 after N x C are supported");
  emit(node, op::Unflatten{}, from, {from.shape[0], from.shape[1], 1, 1});
}

// ---- channels ----------------------------------------------------------------------------------------

void OnnxImporter::map_channels(const OnnxNode& node, const OnnxFlow& from, std::vector<int> channels,
                                std::array<int, 2> stride, std::size_t output) {
  Op op = op::ChannelMap{std::move(channels), stride};
  Shape out = shape_behind(node, op, from.shape);
  const NodeId id = add(name_of(node), std::move(op), {from.node});
  set(node, OnnxFlow{id, std::move(out)}, output);
}

/// Maps each part to its channels, zeros elsewhere, and sums the parts.
void OnnxImporter::concat(const OnnxNode& node) {
  std::int64_t channels = 0;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) channels += planes(node, i).shape[1];
  const Shape first = planes(node).shape;
  constexpr std::int64_t most_channels = 1 << 16;
  if (axis(node, integer(node, "axis", 1), 4) != 1 || channels > most_channels)
    refuse(node, "only concatenation of channels is supported");
  const std::string name = name_of(node);
  std::int64_t at = 0;
  NodeId total = -1;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const OnnxFlow& part = planes(node, i);
    if (part.shape[0] != first[0] || part.shape[2] != first[2] || part.shape[3] != first[3])
      refuse(node, "its parts differ in size: " + to_string(first) + " and " + to_string(part.shape));
    op::ChannelMap map{std::vector<int>(static_cast<std::size_t>(channels), -1), {1, 1}};
    for (std::int64_t c = 0; c < part.shape[1]; ++c) map.from[at + c] = static_cast<int>(c);
    at += part.shape[1];
    const bool only = node.inputs.size() == 1, last = i + 1 == node.inputs.size();
    const NodeId mapped = add(only ? name : unused(name + ".part"), std::move(map), {part.node});
    total = total < 0 ? mapped : add(last ? name : unused(name + ".sum"), op::Add{}, {total, mapped});
  }
  set(node, OnnxFlow{total, {first[0], channels, first[2], first[3]}});
}

void OnnxImporter::split(const OnnxNode& node) {
  const OnnxFlow from = planes(node);
  if (axis(node, integer(node, "axis", 0), 4) != 1) refuse(node, "only splits of channels are supported");
  const auto parts = static_cast<std::int64_t>(node.outputs.size());
  const std::int64_t channels = from.shape[1];
  const std::int64_t each = (channels + parts - 1) / parts;
  std::vector<std::int64_t> sizes = integers(node, "split", 1).value_or(std::vector<std::int64_t>{});
  for (std::int64_t left = channels; sizes.size() < node.outputs.size(); left -= each)
    sizes.push_back(std::min(each, left));
  std::int64_t at = 0;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (sizes.size() != node.outputs.size() || sizes[i] < 1 || sizes[i] > channels - at)
      refuse(node, "its parts do not fit " + std::to_string(channels) + " channels");
    map_channels(node, from, range(at, sizes[i]), {1, 1}, i);
    at += sizes[i];
  }
}

void OnnxImporter::slice(const OnnxNode& node) {
  const OnnxFlow from = planes(node);
  const auto starts = integers(node, "starts", 1), ends = integers(node, "ends", 2);
  if (!starts || !ends || starts->size() != ends->size()) refuse(node, "its starts and ends do not match");
  const std::vector<std::int64_t> ones(starts->size(), 1);
  std::vector<std::int64_t> all(starts->size());
  std::iota(all.begin(), all.end(), 0);
  const auto axes = integers(node, "axes", 3).value_or(all),
             steps = integers(node, "steps", 4).value_or(ones);
  if (axes.size() != starts->size() || steps.size() != starts->size()) refuse(node, "its axes do not match");
  std::vector<int> channels = range(0, from.shape[1]);
  std::array<int, 2> stride{1, 1};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t which = axis(node, axes[i], 4), size = from.shape[which];
    const auto index = [&](std::int64_t n) {
      return std::clamp<std::int64_t>(n < 0 ? std::max(n, -size) + size : n, 0, size);
    };
    const std::int64_t begin = index((*starts)[i]), end = index((*ends)[i]), step = steps[i];
    const bool everything = begin == 0 && end == size;
    if (step < 1 || step > size || begin >= end) refuse(node, "its step is negative, or its result is empty");
    if (which == 1 && step == 1) {
      channels = range(begin, end - begin);
    } else if (which >= 2 && everything) {
      stride[which - 2] = static_cast<int>(step);
    } else if (!everything || step != 1) {
      refuse(node, "only ranges of channels, and every n-th row or column, are supported");
    }
  }
  map_channels(node, from, std::move(channels), stride, 0);
}

/// Zeros around the planes are deferred to a following convolution or pool; zeros for channels become a
/// channel map.
void OnnxImporter::pad(const OnnxNode& node) {
  OnnxFlow from = any_flow(node);
  const auto pads = integers(node, "pads", 1);
  const auto mode = node.attributes.find("mode");
  const bool zeros =
      mode == node.attributes.end() || mode->second.text == "constant" || mode->second.text.empty();
  float filler = real(node, "value", 0);
  if (given(node, 2)) filler = weight(node, 2).size() == 1 ? weight(node, 2).to_tensor()[0] : 1.0F;
  if (from.shape.size() != 4 || from.groups != 0 || !pads || pads->size() != 8 || given(node, 3) || !zeros ||
      filler != 0)
    refuse(node, "only zero padding of N x C x H x W is supported");
  constexpr std::int64_t most = 1 << 12;
  if (std::ranges::any_of(*pads, [](auto n) { return n < 0 || n > most; }) || (*pads)[0] != 0 ||
      (*pads)[4] != 0)
    refuse(node, "only zero padding of N x C x H x W is supported, not cropping");
  const std::int64_t before = (*pads)[1], after = (*pads)[5];
  const bool around = (*pads)[2] + (*pads)[3] + (*pads)[6] + (*pads)[7] > 0;
  if (before + after > 0) {
    if (around || from.pads != std::array<std::int64_t, 4>{})
      refuse(node, "padding of channels and planes in one operator is not supported");
    std::vector<int> channels(before, -1);
    const std::vector<int> own = range(0, from.shape[1]);
    channels.insert(channels.end(), own.begin(), own.end());
    channels.insert(channels.end(), static_cast<std::size_t>(after), -1);
    return map_channels(node, from, std::move(channels), {1, 1}, 0);
  }
  for (std::size_t side = 0; side < 4; ++side) from.pads[side] += (*pads)[side < 2 ? side + 2 : side + 4];
  if (around && read_as_planes_.contains(node.outputs[0])) return pad_planes(node, from);
  set(node, std::move(from));
}

/// For operators without padding: a depthwise convolution by 1.
void OnnxImporter::pad_planes(const OnnxNode& node, const OnnxFlow& from) {
  op::Conv2d copy;
  const std::int64_t channels = from.shape[1];
  copy.weight = Tensor({channels, 1, 1, 1}, std::vector<float>(static_cast<std::size_t>(channels), 1.0F));
  copy.groups = static_cast<int>(channels);
  set_padding(node, copy, from.pads);
  OnnxFlow plain = from;
  plain.pads = {};
  Op op = std::move(copy);
  Shape out = shape_behind(node, op, from.shape);
  emit(node, std::move(op), plain, std::move(out));
}

}  // namespace ablaze::formats
