#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/onnx/importer.hpp"

// Activation functions.

namespace ablaze::formats {
namespace {

using Kind = op::Curve::Kind;

constexpr float kMost = std::numeric_limits<float>::max();  // a bound without effect

}  // namespace

void OnnxImporter::relu(const OnnxNode& node) { emit_like(node, op::Relu{}, flow(node)); }

void OnnxImporter::clip(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  const auto bound = [&](std::string_view attribute, std::size_t input, float otherwise) {
    return node.attributes.contains(attribute) ? real(node, attribute, otherwise)
                                               : number(node, input, otherwise);
  };
  const float low = bound("min", 1, -INFINITY), high = bound("max", 2, INFINITY);
  if (!(low <= high)) refuse(node, "expected two numbers as its bounds, the lower first");
  if (low == 0 && high >= kMost) return emit_like(node, op::Relu{}, from);
  emit_like(node, op::Curve{Kind::clip, std::max(low, -kMost), std::min(high, kMost)}, from);
}

/// relu(x) - slope relu(-x), with a slope per channel
void OnnxImporter::leaky(const OnnxNode& node, const OnnxFlow& from, std::span<const float> slopes) {
  require_channels(node, from);
  const std::string name = name_of(node);
  std::vector<float> negated(slopes.begin(), slopes.end());
  for (float& slope : negated) slope = -slope;
  const std::vector<float> zeros(slopes.size(), 0);
  const NodeId positive = add(unused(name + ".positive"), op::Relu{}, {from.node});
  NodeId negative = scaled(name + ".flipped", from.node, static_cast<std::int64_t>(slopes.size()), -1, 0);
  negative = add(unused(name + ".negative"), op::Relu{}, {negative});
  negative = scaled(name + ".slope", negative, negated, zeros);
  OnnxFlow to = from;
  to.node = add(name, op::Add{}, {positive, negative});
  set(node, std::move(to));
}

void OnnxImporter::leaky_relu(const OnnxNode& node) {
  const OnnxFlow from = flow(node);
  leaky(node, from,
        std::vector<float>(static_cast<std::size_t>(from.size(Axis::channels)), real(node, "alpha", 0.01F)));
}

void OnnxImporter::prelu(const OnnxNode& node) {
  const OnnxFlow from = flow(node);
  const OnnxTensor* slopes = constant(node, 1);
  if (slopes == nullptr) refuse(node, "its slopes must be a constant");
  const std::vector<float> by = by_channel(*slopes, from);
  if (by.empty()) refuse(node, "expected one slope, or one per channel, found " + to_string(slopes->shape));
  leaky(node, from, by);
}

void OnnxImporter::curve(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  op::Curve curve{Kind::hard_swish};
  if (node.op == "HardSigmoid")
    curve = {Kind::hard_sigmoid, real(node, "alpha", 0.2F), real(node, "beta", 0.5F)};
  if (node.op == "Sqrt") curve = {Kind::power, 0.5F};
  if (node.op == "Reciprocal") curve = {Kind::power, -1};
  if (node.op == "Pow") curve = {Kind::power, number(node, 1, 1)};
  if (node.op == "Elu") curve = {Kind::elu, real(node, "alpha", 1), 1};
  if (node.op == "Selu")
    curve = {Kind::elu, real(node, "alpha", 1.67326319F), real(node, "gamma", 1.05070102F)};
  if (node.op == "Tanh") curve = {Kind::tanh};
  if (node.op == "Softplus") curve = {Kind::softplus};
  if (node.op == "Mish") curve = {Kind::mish};
  if (node.op == "Erf") curve = {Kind::erf};
  if (node.op == "Gelu") {
    if (text(node, "approximate") == "tanh") refuse(node, "approximate=tanh is not supported");
    curve = {Kind::gelu};
  }
  emit_like(node, curve, from);
}

/// alpha elu(x / alpha)
void OnnxImporter::celu(const OnnxNode& node) {
  OnnxFlow from = flow(node);
  const float alpha = real(node, "alpha", 1);
  if (alpha == 0) refuse(node, "its alpha is zero");
  require_channels(node, from);
  const std::string name = name_of(node);
  from.node = scaled(name + ".scaled", from.node, from.size(Axis::channels), 1 / alpha, 0);
  from.node = add(name, op::Curve{Kind::elu, 1, alpha}, {from.node});
  set(node, std::move(from));
}

void OnnxImporter::sigmoid(const OnnxNode& node) {
  const OnnxFlow& from = flow(node);
  const bool one_pixel = from.size(Axis::rows) * from.size(Axis::columns) == 1;
  const bool scores = from.features || (one_pixel && how_.output == OnnxImport::Output::scores);
  if (scores && ends_network(node.outputs[0])) return head_activation(node);
  emit_like(node, op::Curve{}, from);
}

/// relu(x) + relu(-x)
void OnnxImporter::absolute(const OnnxNode& node) {
  const OnnxFlow from = flow(node);
  leaky(node, from, std::vector<float>(static_cast<std::size_t>(from.size(Axis::channels)), -1));
}

void OnnxImporter::negative(const OnnxNode& node) {
  OnnxFlow from = flow(node);
  require_channels(node, from);
  from.node = scaled(name_of(node), from.node, from.size(Axis::channels), -1, 0);
  set(node, std::move(from));
}

/// x sigmoid(x) and x hard-sigmoid(x) each become one curve, at the position where the exporter first used
/// the module's name.
bool OnnxImporter::gate_itself(const OnnxNode& node, std::size_t gate) {
  const OnnxFlow &by = flow(node, gate), &x = flow(node, 1 - gate);
  Node& read = nodes_[by.node];
  auto* curve = std::get_if<op::Curve>(&read.op);
  if (curve == nullptr || read.inputs[0] != x.node || by.order != x.order || !is_only_reader(node, gate))
    return false;
  const bool swish =
      curve->kind == Kind::hard_sigmoid && std::abs(curve->a - 1.0F / 6) < 1e-6F && curve->b == 0.5F;
  if (!swish && curve->kind != Kind::sigmoid) return false;
  *curve = op::Curve{swish ? Kind::hard_swish : Kind::silu};
  set(node, by);
  return true;
}

}  // namespace ablaze::formats
