#include "formats/onnx/import.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

namespace ablaze::formats {
namespace {

constexpr std::int64_t kUsualSide = 224;
constexpr std::int64_t kMostExtent = std::int64_t{1} << 20;

/// Numbers that a network may hold regardless of its file's size, for channel maps and replacements of Clip.
constexpr std::int64_t kFreeNumbers = std::int64_t{1} << 23;
/// And per number in the file: a weight may be read twice, transposed, or widened by uneven padding.
constexpr std::int64_t kNumbersForEach = 4;

std::int64_t numbers_in(const OnnxTensor& tensor) {
  return tensor.floats.size() + static_cast<std::int64_t>(tensor.integers.size());
}

std::int64_t numbers_in(const OnnxModel& model) {
  std::int64_t numbers = 0;
  for (const auto& [name, tensor] : model.initializers) numbers += numbers_in(tensor);
  for (const OnnxNode& node : model.nodes) {
    for (const auto& [name, attribute] : node.attributes) {
      if (attribute.tensor) numbers += numbers_in(*attribute.tensor);
    }
  }
  return numbers;
}

struct CountNumbers {
  std::int64_t operator()(const op::Conv2d& conv) const { return conv.weight.size() + conv.bias.size(); }
  std::int64_t operator()(const op::Linear& linear) const {
    return linear.weight.size() + linear.bias.size();
  }
  std::int64_t operator()(const op::BatchNorm& norm) const {
    return norm.weight.size() + norm.bias.size() + norm.mean.size() + norm.variance.size();
  }
  std::int64_t operator()(const op::ChannelMap& map) const {
    return static_cast<std::int64_t>(map.from.size());
  }
  template <class WithoutNumbers>
  std::int64_t operator()(const WithoutNumbers&) const {
    return 0;
  }
};

}  // namespace

// ---- traversal ---------------------------------------------------------------------------------------

OnnxImporter::Handler OnnxImporter::handler_of(std::string_view op) {
  using I = OnnxImporter;
  static const std::map<std::string_view, Handler> handlers{
      {"Conv", &I::conv},
      {"BatchNormalization", &I::batch_norm},
      {"Relu", &I::relu},
      {"MaxPool", &I::max_pool},
      {"AveragePool", &I::average_pool},
      {"GlobalAveragePool", &I::global_average_pool},
      {"ReduceMean", &I::reduce_mean},
      {"Gemm", &I::gemm},
      {"MatMul", &I::matmul},
      {"Flatten", &I::flatten},
      {"Identity", &I::identity},
      {"Dropout", &I::identity},
      {"Cast", &I::identity},
      {"Clip", &I::clip},
      {"LeakyRelu", &I::leaky_relu},
      {"HardSigmoid", &I::curve},
      {"HardSwish", &I::curve},
      {"Sqrt", &I::curve},
      {"Reciprocal", &I::curve},
      {"Pow", &I::curve},
      {"LRN", &I::lrn},
      {"Softmax", &I::head_activation},
      {"LogSoftmax", &I::head_activation},
      {"Sigmoid", &I::sigmoid},
      {"Add", &I::arithmetic},
      {"Sub", &I::arithmetic},
      {"Mul", &I::arithmetic},
      {"Div", &I::arithmetic},
      {"Sum", &I::sum},
      {"Reshape", &I::reshape},
      {"Transpose", &I::transpose},
      {"Concat", &I::concat},
      {"Split", &I::split},
      {"Slice", &I::slice},
      {"Pad", &I::pad},
      {"Squeeze", &I::squeeze},
      {"Unsqueeze", &I::unsqueeze},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

OnnxNetwork OnnxImporter::run() {
  if (model_.outputs.empty()) throw malformed(file_, "the ONNX graph has no output");
  for (const OnnxNode& node : model_.nodes) {
    const bool pads = node.op == "Conv" || node.op == "AveragePool" || node.op == "Pad";
    for (const std::string_view input : node.inputs) {
      ++readers_[input];
      if (!pads) read_as_planes_.insert(input);
    }
  }
  for (const OnnxValue& output : model_.outputs) {
    ++readers_[output.name];
    read_as_planes_.insert(output.name);
  }
  numbers_left_ = kFreeNumbers + kNumbersForEach * numbers_in(model_);
  find_input();
  require_known_operators();
  for (const OnnxNode& node : model_.nodes) import_node(node);
  if (const OnnxTensor* folded = constant_called(model_.outputs.front().name);
      folded != nullptr && output_ == OnnxOutput::anything) {
    network_.constant = *folded;
    return std::move(network_);
  }
  network_.graph = finish();
  if (model_.outputs.size() > 1)
    network_.notes.push_back("the network has " + std::to_string(model_.outputs.size()) +
                             " outputs; using the first");
  return std::move(network_);
}

/// The one input without a tensor in the file: a batch of images.
void OnnxImporter::find_input() {
  const OnnxValue* found = nullptr;
  for (const OnnxValue& input : model_.inputs) {
    if (model_.initializers.contains(input.name)) continue;
    if (found != nullptr)
      throw malformed(file_, "the ONNX graph has two inputs, " + in_quotes(found->name) + " and " +
                                 in_quotes(input.name) + "; expected one, a batch of images");
    found = &input;
  }
  if (output_ == OnnxOutput::anything && found != nullptr && found->shape.size() != 4) {
    input_name_ = found->name;  // sufficient where only its shape matters
    nodes_.push_back({"input", op::Input{}, {}});
    values_.emplace(input_name_, OnnxFlow{0, network_.input = found->shape});
    return;
  }
  if (found == nullptr || found->shape.size() != 4 || found->shape[1] == 0)
    throw malformed(file_, "expected a batch of images, N x C x H x W, as the ONNX graph's input, found " +
                               (found == nullptr ? "missing" : to_string(found->shape)));
  if (std::ranges::any_of(found->shape, [](auto n) { return n > kMostExtent; }))
    throw malformed(file_, "the ONNX graph's input is out of range: " + to_string(found->shape));
  input_name_ = found->name;
  Shape shape = found->shape;
  const bool open = shape[2] == 0 || shape[3] == 0;
  network_.input = {std::max<std::int64_t>(shape[0], 1), shape[1], open ? kUsualSide : shape[2],
                    open ? kUsualSide : shape[3]};
  unused("input");
  nodes_.push_back({"input", op::Input{{shape[1], 0, 0}}, {}});
  values_.emplace(input_name_, OnnxFlow{0, network_.input});
}

/// Lists all unknown operators: the first is often only preparation for another (a Transpose before a
/// LayerNorm) and would not identify the architecture.
void OnnxImporter::require_known_operators() const {
  std::set<std::string_view> unknown;
  const OnnxNode* first = nullptr;
  for (const OnnxNode& node : model_.nodes) {
    if (!node.domain.empty() && node.domain != "ai.onnx") continue;
    const bool branches =
        std::ranges::any_of(node.attributes, [](const auto& a) { return bool{a.second.graph}; });
    if (branches || handler_of(node.op) != nullptr || folds(node.op)) continue;
    if (first == nullptr) first = &node;
    unknown.insert(node.op);
  }
  if (first == nullptr) return;
  if (unknown.size() == 1) refuse_operator(*first);
  std::vector<std::string> names;
  names.reserve(unknown.size());
  for (const std::string_view op : unknown) names.push_back(in_quotes(op));
  refuse(*first, "none of the operators " + base::join(names) +
                     " is supported. Supported are convolutions, linear layers, BatchNorm, the usual "
                     "activations, pools, "
                     "sums, products and concatenations; see weights/README.md");
}

void OnnxImporter::import_node(const OnnxNode& node) {
  if (!node.domain.empty() && node.domain != "ai.onnx") refuse_operator(node);
  for (const auto& [name, attribute] : node.attributes) {
    if (attribute.graph) refuse(node, "it has a subgraph (control flow), which is not supported");
  }
  if (node.outputs.empty() || fold(node)) return;
  const Handler handler = handler_of(node.op);
  if (handler == nullptr) refuse_operator(node);
  (this->*handler)(node);
}

const OnnxFlow& OnnxImporter::output() const {
  const auto found = values_.find(model_.outputs.front().name);
  const OnnxFlow* flow = found == values_.end() ? nullptr : std::get_if<OnnxFlow>(&found->second);
  const bool scores = flow != nullptr && flow->shape.size() == 2;
  const bool anything = flow != nullptr && output_ == OnnxOutput::anything && flow->groups == 0;
  if (scores || anything) return *flow;
  throw malformed(
      file_, "expected one row of scores per image (N x classes) as the ONNX graph's output, found " +
                 (flow == nullptr ? "no such value" : to_string(flow->shape)) + ": it is not a classifier");
}

/// The nodes that the output depends on, in order; a container's name is an alias of its last layer.
Graph OnnxImporter::finish() {
  std::vector<bool> needed(nodes_.size(), false);
  needed[output().node] = true;
  for (std::size_t id = nodes_.size(); id-- > 0;) {
    if (!needed[id]) continue;
    for (const NodeId in : nodes_[id].inputs) needed[in] = true;
  }
  needed[0] = true;
  name_calls_apart();
  Graph graph;
  std::vector<NodeId> new_ids(nodes_.size(), -1);
  for (std::size_t id = 0; id < nodes_.size(); ++id) {
    if (!needed[id]) continue;
    for (NodeId& in : nodes_[id].inputs) in = new_ids[in];
    new_ids[id] = graph.add(nodes_[id].name, std::move(nodes_[id].op), std::move(nodes_[id].inputs));
  }
  std::map<std::string, NodeId> containers;
  for (NodeId id = 1; id < graph.size(); ++id) {
    const std::string& name = graph.node(id).name;
    for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
      containers[name.substr(0, dot)] = id;
  }
  for (const auto& [name, id] : containers) {
    if (!graph.contains(name)) graph.alias(name, id);
  }
  return graph;
}

/// A function call outside any module has the name of its calling module ("Mixed_7c" for a pool inside it),
/// which is an alias of the module's last layer. Appending the operator distinguishes the two
/// ("Mixed_7c.avgpool2d").
void OnnxImporter::name_calls_apart() {
  std::set<std::string> containers;
  for (const Node& node : nodes_) {
    for (auto dot = node.name.find('.'); dot != std::string::npos; dot = node.name.find('.', dot + 1))
      containers.insert(node.name.substr(0, dot));
  }
  for (Node& node : nodes_) {
    if (containers.contains(node.name)) node.name = unused(node.name + "." + base::lower(op_name(node.op)));
  }
}

void OnnxImporter::refuse(const OnnxNode& node, const std::string& why) const {
  throw malformed(file_,
                  "its operator " + in_quotes(node.op) + " (node " + in_quotes(node.name) + "): " + why);
}

void OnnxImporter::refuse_operator(const OnnxNode& node) const {
  const std::string domain = node.domain.empty() || node.domain == "ai.onnx"
                                 ? std::string()
                                 : " of the domain " + in_quotes(node.domain);
  refuse(node, "this operator" + domain +
                   " is not supported. Supported are convolutions, linear layers, BatchNorm, the usual "
                   "activations, pools, sums, products and concatenations; see weights/README.md");
}

// ---- values and attributes ---------------------------------------------------------------------------

const OnnxImporter::Value& OnnxImporter::value(const OnnxNode& node, std::size_t input) const {
  if (!given(node, input)) refuse(node, "its input " + std::to_string(input + 1) + " is missing");
  const auto found = values_.find(node.inputs[input]);
  if (found == values_.end())
    refuse(node, "it reads " + in_quotes(node.inputs[input]) + ", which no earlier node computes");
  return found->second;
}

const OnnxTensor* OnnxImporter::constant(const OnnxNode& node, std::size_t input) const {
  return given(node, input) ? constant_called(node.inputs[input]) : nullptr;
}

const OnnxTensor* OnnxImporter::constant_called(std::string_view name) const {
  if (const auto found = model_.initializers.find(name); found != model_.initializers.end())
    return &found->second;
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : std::get_if<OnnxTensor>(&found->second);
}

const OnnxFlow& OnnxImporter::any_flow(const OnnxNode& node, std::size_t input) const {
  if (constant(node, input) != nullptr)
    refuse(node, "its input is a constant; expected the image's activations");
  return std::get<OnnxFlow>(value(node, input));
}

const OnnxFlow& OnnxImporter::flow(const OnnxNode& node, std::size_t input) const {
  const OnnxFlow& from = any_flow(node, input);
  if (from.pads != std::array<std::int64_t, 4>{})
    refuse(node, "it follows a Pad, which is supported only before convolutions and average pools");
  if (from.groups != 0) refuse(node, "it reads channels that are split into two axes");
  return from;
}

const OnnxFlow& OnnxImporter::planes(const OnnxNode& node, std::size_t input) const {
  const OnnxFlow& from = flow(node, input);
  if (from.shape.size() != 4) refuse(node, "expected an N x C x H x W input, found " + to_string(from.shape));
  return from;
}

const Weight& OnnxImporter::weight(const OnnxNode& node, std::size_t input) const {
  const OnnxTensor* tensor = constant(node, input);
  if (tensor == nullptr || !tensor->floats)
    refuse(node, "expected a constant of floats as its input " + std::to_string(input + 1));
  return tensor->floats;
}

std::optional<std::vector<std::int64_t>> OnnxImporter::integers(const OnnxNode& node,
                                                                std::string_view attribute,
                                                                std::size_t input) const {
  if (const auto found = node.attributes.find(attribute); found != node.attributes.end())
    return found->second.integers;
  if (!given(node, input)) return std::nullopt;
  const OnnxTensor* tensor = constant(node, input);
  if (tensor == nullptr || tensor->floats)
    refuse(node, "its " + std::string(attribute) + " must be a constant");
  return tensor->integers;
}

std::int64_t OnnxImporter::integer(const OnnxNode& node, std::string_view attribute,
                                   std::int64_t otherwise) const {
  const auto found = node.attributes.find(attribute);
  return found == node.attributes.end() ? otherwise : found->second.integer;
}

float OnnxImporter::real(const OnnxNode& node, std::string_view attribute, float otherwise) const {
  const auto found = node.attributes.find(attribute);
  return found == node.attributes.end() ? otherwise : found->second.real;
}

std::int64_t OnnxImporter::axis(const OnnxNode& node, std::int64_t axis, std::size_t rank) const {
  const auto axes = static_cast<std::int64_t>(rank);
  if (axis < -axes || axis >= axes) refuse(node, "its input has no axis " + std::to_string(axis));
  return axis < 0 ? axis + axes : axis;
}

void OnnxImporter::set(const OnnxNode& node, Value value, std::size_t output) {
  if (node.outputs.size() <= output || node.outputs[output].empty()) return;
  if (const auto* tensor = std::get_if<OnnxTensor>(&value)) pay(numbers_in(*tensor));
  if (model_.initializers.contains(node.outputs[output]) ||
      !values_.emplace(node.outputs[output], std::move(value)).second)
    refuse(node, "it computes " + in_quotes(node.outputs[output]) + " a second time");
}

void OnnxImporter::set_constant(const OnnxNode& node, Shape shape, std::vector<std::int64_t> integers) {
  set(node, OnnxTensor{std::move(shape), {}, std::move(integers)});
}

// ---- building ----------------------------------------------------------------------------------------

void OnnxImporter::pay(std::int64_t numbers) {
  if (numbers > numbers_left_)
    throw malformed(file_,
                    "its network would have far more values than the file, because many tensors share them. "
                    "Export it again");
  numbers_left_ -= numbers;
}

std::string OnnxImporter::unused(std::string name) {
  int& calls = names_[name];
  if (++calls == 1) return name;
  for (;; ++calls) {
    std::string again = name + "@" + std::to_string(calls);
    if (names_.emplace(again, 1).second) return again;
  }
}

/// From the exporter's scopes, else from the weight's name, else the node's own name.
std::string OnnxImporter::name_of(const OnnxNode& node) {
  std::string name = layer_name(node.name, node.op);
  if (name.empty() && node.inputs.size() > 1 && node.inputs[1].ends_with(".weight")) {
    const std::string_view path = node.inputs[1].substr(0, node.inputs[1].size() - 7);
    name = layer_name("/" + std::string(path) + "/", node.op);
  }
  if (name.empty() && !node.name.empty()) name = layer_name("/" + std::string(node.name) + "/", "Identity");
  if (name.empty()) name = layer_name("/", node.op);
  return unused(std::move(name));
}

NodeId OnnxImporter::add(std::string name, Op op, std::vector<NodeId> inputs) {
  pay(std::visit(CountNumbers{}, op));
  nodes_.push_back({std::move(name), std::move(op), std::move(inputs)});
  return static_cast<NodeId>(nodes_.size() - 1);
}

/// The engine's output shape; only for operators with one input of rank 4.
Shape OnnxImporter::shape_behind(const OnnxNode& node, const Op& op, const Shape& in) const {
  Graph one;
  one.add("input", op::Input{}, {});
  one.add(node.name.empty() ? std::string(node.op) + " " : std::string(node.name) + " ", op, {0});
  try {
    return one.infer_shapes(in).back();
  } catch (const Error& error) {
    refuse(node, error.what());
  }
}

void OnnxImporter::emit(const OnnxNode& node, Op op, const OnnxFlow& from, Shape shape) {
  const NodeId id = add(name_of(node), std::move(op), {from.node});
  set(node, OnnxFlow{id, std::move(shape)});
}

/// y = x * scale + shift, as a BatchNorm without normalisation.
NodeId OnnxImporter::scaled(const std::string& name, NodeId from, std::int64_t channels, float scale,
                            float shift) {
  const auto all = [&](float value) {
    Tensor tensor({channels});
    std::ranges::fill(tensor.values(), value);
    return tensor;
  };
  return add(unused(name), op::BatchNorm{all(scale), all(shift), all(0), all(1), 0}, {from});
}

OnnxNetwork import_onnx(const OnnxModel& model, const std::string& file, OnnxOutput output) {
  return OnnxImporter(model, file, output).run();
}

}  // namespace ablaze::formats
