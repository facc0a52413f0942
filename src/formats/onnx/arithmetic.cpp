#include <algorithm>
#include <utility>

#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

// Sums, products and maxima, of two activations or with a constant.

namespace ablaze::formats {
namespace {

std::vector<float> floats_in(const OnnxTensor& constant) {
  if (!constant.floats) return {constant.integers.begin(), constant.integers.end()};
  std::vector<float> numbers(static_cast<std::size_t>(constant.floats.size()));
  constant.floats.read(0, numbers);
  return numbers;
}

Tensor row_of(const std::vector<float>& numbers) {
  return Tensor({static_cast<std::int64_t>(numbers.size())}, numbers);
}

}  // namespace

void OnnxImporter::arithmetic(const OnnxNode& node) {
  const OnnxTensor *a = constant(node, 0), *b = constant(node, 1);
  if (b != nullptr) return arithmetic_with_constant(node, flow(node, 0), *b, false);
  if (a != nullptr) return arithmetic_with_constant(node, flow(node, 1), *a, true);
  if (node.op == "Mul" && (gate_itself(node, 0) || gate_itself(node, 1))) return;
  const std::string name = name_of(node);
  set(node, combined(node, flow(node, 0), flow(node, 1), node.op, name));
}

// ---- with a constant ---------------------------------------------------------------------------------

/// The numbers of a constant for each of the engine's channels or features; empty where they vary along
/// another axis, or where the constant would enlarge the activations.
std::vector<float> OnnxImporter::by_channel(const OnnxTensor& constant, const OnnxFlow& flow) const {
  const std::vector<float> numbers = floats_in(constant);
  const auto channels = static_cast<std::size_t>(flow.size(Axis::channels));
  const Shape& shape = constant.shape;
  // Aligned from the last axis: [C, 1, 1] or [1, C, 1, 1] for planes, [C] or [1, C] for features.
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t from_end = shape.size() - i;
    if (shape[i] == 1 && from_end <= flow.shape.size()) continue;
    if (from_end > flow.shape.size()) return {};
    const std::size_t axis = flow.shape.size() - from_end;
    const bool own = flow.order[axis] == Axis::channels &&
                     (shape[i] == flow.shape[axis] || (channels == 1 && !flow.features));
    if (!own) return {};
  }
  if (numbers.size() == 1) return std::vector<float>(channels, numbers[0]);
  if (!flow.reordered()) return numbers;
  std::vector<float> own(numbers.size());
  const std::vector<std::int64_t> features = engine_features(flow.flattened);
  for (std::size_t i = 0; i < own.size(); ++i) own[features[i]] = numbers[i];
  return own;
}

/// A BatchNorm without normalisation, or the bias of the preceding linear layer.
void OnnxImporter::arithmetic_with_constant(const OnnxNode& node, OnnxFlow from, const OnnxTensor& by,
                                            bool reversed) {
  const std::vector<float> numbers = by_channel(by, from);
  if (numbers.empty())
    refuse(node, "expected a constant of one number, or one per channel, found " + to_string(by.shape) +
                     " for activations of " + to_string(from.shape));
  std::vector<float> scale(numbers.size(), 1), shift(numbers.size(), 0);
  for (std::size_t c = 0; c < numbers.size(); ++c) {
    if (node.op == "Add") shift[c] = numbers[c];
    if (node.op == "Sub") shift[c] = reversed ? numbers[c] : -numbers[c];
    if (node.op == "Sub" && reversed) scale[c] = -1;
    if (node.op == "Mul") scale[c] = numbers[c];
    if (node.op == "Div") scale[c] = reversed ? numbers[c] : 1 / numbers[c];
  }
  const auto channels = static_cast<std::int64_t>(numbers.size());
  auto* linear = std::get_if<op::Linear>(&nodes_[from.node].op);
  auto* conv = std::get_if<op::Conv2d>(&nodes_[from.node].op);
  Weight* bias = linear != nullptr ? &linear->bias : conv != nullptr ? &conv->bias : nullptr;
  if (node.op == "Add" && bias != nullptr && !*bias && channels == from.size(Axis::channels) &&
      is_only_reader(node, reversed ? 1 : 0)) {
    *bias = row_of(shift);
    return set(node, from);
  }
  require_channels(node, from);
  const std::string name = name_of(node);
  if (channels != from.size(Axis::channels)) from = repeated(from, channels, name + ".repeated");
  if (node.op == "Div" && reversed)
    from.node = add(unused(name + ".divisor"), op::Curve{op::Curve::Kind::power, -1}, {from.node});
  const std::vector<float> zeros(numbers.size(), 0), ones(numbers.size(), 1);
  op::BatchNorm affine{row_of(scale), row_of(shift), row_of(zeros), row_of(ones), 0};
  from.node = add(name, std::move(affine), {from.node});
  set(node, std::move(from));
}

// ---- of two activations ------------------------------------------------------------------------------

/// Max and Min: with one number a clip, of two activations b + relu(a - b).
void OnnxImporter::extreme(const OnnxNode& node) {
  const bool largest = node.op == "Max";
  std::optional<OnnxFlow> found;
  float low = -std::numeric_limits<float>::max(), high = std::numeric_limits<float>::max();
  bool bounded = false;
  const std::string name = name_of(node);
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (constant(node, i) != nullptr) {
      const float bound = number(node, i, 0);
      if (largest) low = std::max(low, bound);
      if (!largest) high = std::min(high, bound);
      bounded = true;
      continue;
    }
    const OnnxFlow& next = flow(node, i);
    if (!found) {
      found = next;
      continue;
    }
    // The larger of a and b is b + relu(a - b), the smaller b - relu(b - a).
    network_.notes.push_back(
        "the " + std::string(largest ? "larger" : "smaller") + " of two activations (" + name +
        ") is computed from their difference, which loses digits where they differ by orders "
        "of magnitude");
    const std::string part = unused(name + ".part");
    const OnnxFlow gap = largest ? combined(node, *found, next, "Sub", unused(name + ".gap"))
                                 : combined(node, next, *found, "Sub", unused(name + ".gap"));
    OnnxFlow above = gap;
    above.node = add(unused(name + ".above"), op::Relu{}, {gap.node});
    found = combined(node, next, above, largest ? "Add" : "Sub", part);
  }
  if (!found) refuse(node, "expected an activation as an input");
  if (bounded) {
    const bool relu = largest && low == 0;
    const Op bound = relu ? Op(op::Relu{}) : Op(op::Curve{op::Curve::Kind::clip, low, high});
    found->node = add(unused(name + ".bound"), bound, {found->node});
  }
  found->node = add(name, op::Identity{}, {found->node});
  set(node, *std::move(found));
}

void OnnxImporter::sum(const OnnxNode& node) {
  OnnxFlow total = flow(node, 0);
  const std::string name = name_of(node);
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    const bool last = i + 1 == node.inputs.size();
    total = combined(node, total, flow(node, i), "Add", last ? name : unused(name + ".part"));
  }
  set(node, total);
}

/// a OP b; a division multiplies by a power. Either may have one number per channel, or one per pixel.
OnnxFlow OnnxImporter::combined(const OnnxNode& node, OnnxFlow a, OnnxFlow b, std::string_view op,
                                const std::string& name) {
  if (op == "Div") b.node = add(unused(name + ".divisor"), op::Curve{op::Curve::Kind::power, -1}, {b.node});
  if (op == "Sub") require_channels(node, b);
  if (op == "Sub") b.node = scaled(name + ".subtracted", b.node, b.size(Axis::channels), -1, 0);
  const bool multiplies = op == "Mul" || op == "Div";
  std::array<OnnxFlow, 2> pair{std::move(a), std::move(b)};
  match(node, pair, !multiplies, name);
  OnnxFlow to = pair[0].size(Axis::rows) * pair[0].size(Axis::columns) >=
                        pair[1].size(Axis::rows) * pair[1].size(Axis::columns)
                    ? pair[0]
                    : pair[1];
  const std::vector<NodeId> inputs{pair[0].node, pair[1].node};
  to.node = multiplies ? add(name, op::Multiply{}, inputs) : add(name, op::Add{}, inputs);
  return to;
}

/// Enlarges axes of size 1 as ONNX does. A product needs equal shapes or one number per channel, a sum
/// (`equal`) equal shapes.
void OnnxImporter::match(const OnnxNode& node, std::array<OnnxFlow, 2>& pair, bool equal,
                         const std::string& name) {
  const auto differ = [&] {
    refuse(node,
           "the shapes " + to_string(pair[0].shape) + " and " + to_string(pair[1].shape) + " do not match");
  };
  if (pair[0].features != pair[1].features || pair[0].shape.size() != pair[1].shape.size()) differ();
  if (pair[0].features) {
    if (pair[0].shape == pair[1].shape && pair[0].flattened == pair[1].flattened) return;
    if (!pair[0].flattened.empty() || !pair[1].flattened.empty()) differ();
  }
  for (std::size_t i = 0; i < pair[0].shape.size(); ++i) {
    const std::int64_t a = pair[0].shape[i], b = pair[1].shape[i];
    if (a != b && a != 1 && b != 1) differ();
    // The axes must mean the same: a size that only one has names the other's.
    if (pair[0].order[i] == pair[1].order[i]) continue;
    if (a > 1 && b > 1) differ();
    OnnxFlow& renamed = a == 1 ? pair[0] : pair[1];
    const OnnxFlow& other = a == 1 ? pair[1] : pair[0];
    const int elsewhere = renamed.position(other.order[i]);
    if (elsewhere >= 0) {
      if (renamed.shape[elsewhere] != 1) differ();
      std::swap(renamed.order[i], renamed.order[elsewhere]);
    } else {
      renamed.order[i] = other.order[i];
    }
  }
  if (pair[0].order != pair[1].order) differ();
  for (std::size_t i = 0; i < 2; ++i) {
    OnnxFlow& factor = pair[i];
    const OnnxFlow& whole = pair[1 - i];
    if (factor.size(Axis::images) != whole.size(Axis::images)) differ();
    const std::int64_t channels = whole.size(Axis::channels);
    if (factor.size(Axis::channels) == channels || factor.size(Axis::channels) != 1) continue;
    if (factor.features) {
      pay(channels);
      op::Linear ones;
      ones.weight = Tensor({channels, 1}, std::vector<float>(static_cast<std::size_t>(channels), 1.0F));
      factor.node = add(unused(name + ".repeated"), std::move(ones), {factor.node});
      factor.shape = whole.shape;
    } else {
      factor = repeated(factor, channels, name + ".repeated");
    }
  }
  if (pair[0].features) return;
  for (std::size_t i = 0; i < 2; ++i) {
    OnnxFlow& factor = pair[i];
    const OnnxFlow& whole = pair[1 - i];
    const bool smaller = factor.size(Axis::rows) < whole.size(Axis::rows) ||
                         factor.size(Axis::columns) < whole.size(Axis::columns);
    if (!smaller) continue;
    if (factor.size(Axis::rows) * factor.size(Axis::columns) != 1) differ();
    if (equal) factor = enlarged(factor, whole, name);
  }
}

/// One number per channel on every pixel of `like`: the product with planes of ones.
OnnxFlow OnnxImporter::enlarged(const OnnxFlow& from, const OnnxFlow& like, const std::string& name) {
  OnnxFlow to = like;
  const NodeId ones = scaled(name + ".ones", like.node, like.size(Axis::channels), 0, 1);
  to.node = add(unused(name + ".enlarged"), op::Multiply{}, {ones, from.node});
  return to;
}

}  // namespace ablaze::formats
