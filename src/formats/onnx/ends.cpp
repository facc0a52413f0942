#include <algorithm>

#include "base/text.hpp"
#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

// The network's input and output, and what kind of network it is where it cannot be imported.

namespace ablaze::formats {
namespace {

constexpr std::int64_t kMostExtent = std::int64_t{1} << 20;

bool holds_floats(const OnnxValue& value) { return value.type == 0 || is_float(value.type); }

/// N x classes, or N x classes x 1 x 1.
bool may_be_scores(const Shape& shape) {
  return shape.size() == 2 || (shape.size() == 4 && shape[2] == 1 && shape[3] == 1);
}

/// Operators that hand on their first input's numbers, perhaps under another shape.
bool hands_on(std::string_view op) {
  return op == "Identity" || op == "Cast" || op == "CastLike" || op == "Dropout" || op == "Flatten" ||
         op == "Squeeze" || op == "Reshape";
}

}  // namespace

/// The first output of floats that may be scores; labels and other outputs are left out.
void OnnxImporter::find_output() {
  if (model_.outputs.empty()) throw malformed(file_, "the ONNX graph has no output");
  auto found = std::ranges::find_if(
      model_.outputs, [](const OnnxValue& v) { return holds_floats(v) && may_be_scores(v.shape); });
  if (found == model_.outputs.end()) found = std::ranges::find_if(model_.outputs, holds_floats);
  if (found == model_.outputs.end()) found = model_.outputs.begin();
  output_name_ = found->name;
  if (model_.outputs.size() > 1)
    network_.notes.push_back("the network has " + std::to_string(model_.outputs.size()) + " outputs; using " +
                             in_quotes(output_name_));
}

/// Nodes that the output does not depend on may hold any operator.
void OnnxImporter::find_needed_nodes() {
  std::set<std::string_view> read{output_name_};
  std::vector<bool> needed(model_.nodes.size(), false);
  for (std::size_t i = model_.nodes.size(); i-- > 0;) {
    const OnnxNode& node = model_.nodes[i];
    needed[i] = std::ranges::any_of(node.outputs, [&](auto name) { return read.contains(name); });
    if (needed[i]) read.insert(node.inputs.begin(), node.inputs.end());
  }
  for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
    if (needed[i]) needed_.push_back(&model_.nodes[i]);
  }
}

/// The one input without a tensor in the file: a batch of images.
void OnnxImporter::find_input() {
  const OnnxValue* found = nullptr;
  const bool read = std::ranges::any_of(model_.inputs, [&](const OnnxValue& input) {
    return !model_.initializers.contains(input.name) && readers_.contains(input.name);
  });
  for (const OnnxValue& input : model_.inputs) {
    if (model_.initializers.contains(input.name) || (read && !readers_.contains(input.name))) continue;
    if (found != nullptr)
      throw malformed(file_, "the ONNX graph has two inputs, " + in_quotes(found->name) + " and " +
                                 in_quotes(input.name) + "; expected one, a batch of images");
    found = &input;
  }
  const std::vector<Axis> nchw{Axis::images, Axis::channels, Axis::rows, Axis::columns};
  if (how_.output == OnnxImport::Output::anything && found != nullptr && found->shape.size() != 4) {
    input_name_ = found->name;  // sufficient where only its shape matters
    nodes_.push_back({"input", op::Input{}, {}});
    OnnxFlow flow;
    flow.shape = network_.input = found->shape;
    flow.order.resize(flow.shape.size(), Axis::within);
    values_.emplace(input_name_, std::move(flow));
    return;
  }
  if (found == nullptr || found->shape.size() != 4)
    throw malformed(file_, "expected a batch of images, N x C x H x W, as the ONNX graph's input, found " +
                               (found == nullptr ? "none" : to_string(found->shape)) +
                               ": it is not a network of images");
  const std::vector<Axis> order = reads_channels_last(*found)
                                      ? std::vector{Axis::images, Axis::rows, Axis::columns, Axis::channels}
                                      : nchw;
  const auto given = [&](Axis axis) { return found->shape[std::ranges::find(order, axis) - order.begin()]; };
  if (std::ranges::any_of(found->shape, [](auto n) { return n > kMostExtent; }))
    throw malformed(file_, "the ONNX graph's input is out of range: " + to_string(found->shape));
  if (given(Axis::channels) == 0)
    throw malformed(file_, "the ONNX graph's input " + to_string(found->shape) +
                               " leaves the number of channels open; export it with a fixed number");
  input_name_ = found->name;
  constexpr std::int64_t usual = 224;
  const auto side = [&](Axis axis, std::int64_t asked) {
    return asked > 0 ? asked : given(axis) > 0 ? given(axis) : usual;
  };
  network_.whole_numbers = !holds_floats(*found);
  network_.input = {std::max<std::int64_t>(given(Axis::images), 1), given(Axis::channels),
                    side(Axis::rows, how_.height), side(Axis::columns, how_.width)};
  unused("input");
  nodes_.push_back({"input", op::Input{{network_.input[1], 0, 0}}, {}});
  OnnxFlow flow;
  flow.order = order;
  for (const Axis axis : order) flow.shape.push_back(network_.input[static_cast<std::size_t>(axis)]);
  values_.emplace(input_name_, std::move(flow));
}

/// N x H x W x C, as TensorFlow's exporters leave it: what reads the input transposes it to N x C x H x W.
/// Without a Transpose, a small last axis beside large ones tells.
bool OnnxImporter::reads_channels_last(const OnnxValue& input) const {
  std::string_view value = input.name;
  constexpr int most_steps = 16;
  for (int step = 0; step < most_steps; ++step) {
    const auto found = readers_.find(value);
    if (found == readers_.end()) return false;
    const OnnxNode* next = nullptr;
    for (const OnnxNode* reader : found->second) {
      if (reader->op == "Conv" || reader->op == "MaxPool" || reader->op == "AveragePool") return false;
      if (reader->op == "Transpose") {
        const auto perm = reader->attributes.find("perm");
        return perm != reader->attributes.end() &&
               perm->second.integers == std::vector<std::int64_t>{0, 3, 1, 2};
      }
      if (reader->op != "Shape") next = reader;
    }
    if (next == nullptr || next->outputs.empty()) return false;
    value = next->outputs.front();
  }
  return false;
}

bool OnnxImporter::ends_network(std::string_view value) const {
  for (std::size_t step = 0; step <= needed_.size(); ++step) {
    const auto found = readers_.find(value);
    const std::size_t readers = found == readers_.end() ? 0 : found->second.size();
    if (is_output(value)) return readers == 0;
    if (readers != 1) return false;
    const OnnxNode& reader = *found->second.front();
    if (!hands_on(reader.op) || reader.inputs.front() != value || reader.outputs.empty()) return false;
    value = reader.outputs.front();
  }
  return false;
}

/// Lists all unknown operators: the first is often only preparation for another and would not identify the
/// architecture.
void OnnxImporter::require_known_operators() const {
  if (const std::string what = architecture(); !what.empty()) throw malformed(file_, what);
  std::set<std::string_view> unknown;
  const OnnxNode* first = nullptr;
  for (const OnnxNode* node : needed_) {
    if (!node->domain.empty() && node->domain != "ai.onnx") continue;
    const bool branches =
        std::ranges::any_of(node->attributes, [](const auto& a) { return bool{a.second.graph}; });
    if (branches || handler_of(node->op) != nullptr || folds(node->op)) continue;
    if (first == nullptr) first = node;
    unknown.insert(node->op);
  }
  if (first == nullptr) return;
  if (unknown.size() == 1) refuse_operator(*first);
  std::vector<std::string> names;
  names.reserve(unknown.size());
  for (const std::string_view op : unknown) names.push_back(in_quotes(op));
  refuse(*first, "none of the operators " + base::join(names) + " is supported. " + kSupported);
}

std::string OnnxImporter::architecture() const {
  const auto has = [&](std::initializer_list<std::string_view> ops) {
    return std::ranges::any_of(needed_, [&](const OnnxNode* node) {
      return std::ranges::find(ops, std::string_view(node->op)) != ops.end();
    });
  };
  const auto is_activation = [&](std::string_view name) {
    return !model_.initializers.contains(name) && std::ranges::none_of(needed_, [&](const OnnxNode* node) {
      return node->op == "Constant" && std::ranges::find(node->outputs, name) != node->outputs.end();
    });
  };
  bool weighs_positions = false;  // a Softmax within the network
  bool multiplies_activations = false;
  for (const OnnxNode* node : needed_) {
    if (node->op == "Softmax" && !node->outputs.empty() && !ends_network(node->outputs.front()))
      weighs_positions = true;
    if (node->op == "MatMul" && node->inputs.size() == 2 && is_activation(node->inputs[0]) &&
        is_activation(node->inputs[1]))
      multiplies_activations = true;
  }
  const std::string way = " ablaze opens convolutional classifiers; see weights/README.md";
  if (has({"Attention", "MultiHeadAttention", "EmbedLayerNormalization"}) ||
      (weighs_positions && multiplies_activations))
    return "a vision transformer or another network with attention: attention is not supported yet." + way;
  if (has({"LSTM", "GRU", "RNN"})) return "a recurrent network, which is not supported." + way;
  if (has({"QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger", "DequantizeLinear",
           "QuantizeLinear", "DynamicQuantizeLinear"}))
    return "a quantized network, which is not supported: export the float32 network that it was made from";
  if (has({"NonMaxSuppression", "RoiAlign", "MaxRoiPool", "TopK"}))
    return "a detector of objects, not a classifier." + way;
  if (has({"ConvTranspose", "Resize", "Upsample", "DepthToSpace", "GridSample"}))
    return "the network enlarges its planes (" +
           std::string(has({"ConvTranspose"}) ? "ConvTranspose" : "Resize or a like operator") +
           "), as for segmentation or generation, which is not supported." + way;
  return {};
}

}  // namespace ablaze::formats
