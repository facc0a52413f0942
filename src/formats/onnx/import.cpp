#include "formats/onnx/import.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "formats/bytes.hpp"
#include "formats/onnx/importer.hpp"

namespace ablaze::formats {
namespace {

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

/// A container's name is an alias of its last layer. If the file does not tell the module of a node inside
/// the container or right behind it, that node may be the container's last: no alias is better than a wrong
/// one.
void alias_containers(Graph& graph, const std::vector<bool>& unnamed) {
  struct Container {
    NodeId first, last;
  };
  std::map<std::string, Container> containers;
  for (NodeId id = 1; id < graph.size(); ++id) {
    if (unnamed[id]) continue;
    const std::string& name = graph.node(id).name;
    for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
      containers.try_emplace(name.substr(0, dot), Container{id, id}).first->second.last = id;
  }
  std::vector<bool> before_unnamed(unnamed.size(), false);
  std::vector<NodeId> unnamed_up_to(unnamed.size() + 1, 0);  // how many nodes before this one
  for (NodeId id = 0; id < graph.size(); ++id) {
    unnamed_up_to[id + 1] = unnamed_up_to[id] + (unnamed[id] ? 1 : 0);
    if (!unnamed[id]) continue;
    for (const NodeId in : graph.node(id).inputs) before_unnamed[in] = true;
  }
  for (const auto& [name, container] : containers) {
    const bool whole = unnamed_up_to[container.last + 1] == unnamed_up_to[container.first];
    if (whole && !before_unnamed[container.last] && !graph.contains(name)) graph.alias(name, container.last);
  }
}

}  // namespace

// ---- flows -------------------------------------------------------------------------------------------

std::int64_t OnnxFlow::size(Axis axis) const {
  std::int64_t size = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool part = axis == Axis::channels && order[i] == Axis::within;
    if (order[i] == axis || part) size *= shape[i];
  }
  return size;
}

Shape OnnxFlow::planes() const {
  if (features) return shape;
  return {size(Axis::images), size(Axis::channels), size(Axis::rows), size(Axis::columns)};
}

bool OnnxFlow::reordered() const {
  return !std::ranges::is_sorted(flattened, {}, &std::pair<Axis, std::int64_t>::first);
}

int OnnxFlow::position(Axis axis) const {
  const auto found = std::ranges::find(order, axis);
  return found == order.end() ? -1 : static_cast<int>(found - order.begin());
}

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
      {"GlobalMaxPool", &I::global_max_pool},
      {"ReduceMean", &I::reduce},
      {"ReduceSum", &I::reduce},
      {"ReduceMax", &I::reduce},
      {"LayerNormalization", &I::layer_norm},
      {"Gemm", &I::gemm},
      {"MatMul", &I::matmul},
      {"Flatten", &I::flatten},
      {"Identity", &I::identity},
      {"Dropout", &I::identity},
      {"Cast", &I::cast},
      {"CastLike", &I::cast},
      {"Clip", &I::clip},
      {"LeakyRelu", &I::leaky_relu},
      {"PRelu", &I::prelu},
      {"HardSigmoid", &I::curve},
      {"HardSwish", &I::curve},
      {"Sqrt", &I::curve},
      {"Reciprocal", &I::curve},
      {"Pow", &I::curve},
      {"Elu", &I::curve},
      {"Selu", &I::curve},
      {"Tanh", &I::curve},
      {"Softplus", &I::curve},
      {"Mish", &I::curve},
      {"Gelu", &I::curve},
      {"Erf", &I::curve},
      {"Celu", &I::celu},
      {"Abs", &I::absolute},
      {"Neg", &I::negative},
      {"LRN", &I::lrn},
      {"Softmax", &I::head_activation},
      {"LogSoftmax", &I::head_activation},
      {"Sigmoid", &I::sigmoid},
      {"Add", &I::arithmetic},
      {"Sub", &I::arithmetic},
      {"Mul", &I::arithmetic},
      {"Div", &I::arithmetic},
      {"Max", &I::extreme},
      {"Min", &I::extreme},
      {"Sum", &I::sum},
      {"Reshape", &I::reshape},
      {"Transpose", &I::transpose},
      {"Expand", &I::expand},
      {"Concat", &I::concat},
      {"Split", &I::split},
      {"Slice", &I::slice},
      {"Gather", &I::gather},
      {"Pad", &I::pad},
      {"Squeeze", &I::squeeze},
      {"Unsqueeze", &I::unsqueeze},
  };
  const auto found = handlers.find(op);
  return found == handlers.end() ? nullptr : found->second;
}

OnnxNetwork OnnxImporter::run() {
  find_output();
  find_needed_nodes();
  for (const OnnxNode* node : needed_) {
    for (const std::string_view input : node->inputs) readers_[input].push_back(node);
  }
  numbers_left_ = kFreeNumbers + kNumbersForEach * numbers_in(model_);
  find_input();
  require_known_operators();
  for (const OnnxNode* node : needed_) import_node(*node);
  if (const OnnxTensor* folded = constant_called(output_name_);
      folded != nullptr && how_.output == OnnxImport::Output::anything) {
    network_.constant = *folded;
    return std::move(network_);
  }
  network_.graph = finish();
  if (computes_in_halves_)
    network_.notes.emplace_back("the file computes in half precision; ablaze computes in float32");
  return std::move(network_);
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

/// The output: one row of scores per image. N x C x 1 x 1 is one too.
OnnxFlow OnnxImporter::scores() {
  const auto found = values_.find(output_name_);
  const OnnxFlow* flow = found == values_.end() ? nullptr : std::get_if<OnnxFlow>(&found->second);
  const bool whole = flow != nullptr && flow->groups == 0 && !flow->padded();
  if (whole && how_.output == OnnxImport::Output::anything) return *flow;
  if (whole && flow->features && flow->flattened.empty()) return *flow;
  if (whole && !flow->features && flow->size(Axis::rows) * flow->size(Axis::columns) == 1)
    return as_features(*flow, "scores");
  throw malformed(
      file_, "expected one row of scores per image (N x classes) as the ONNX graph's output, found " +
                 (flow == nullptr ? "no such value" : to_string(flow->shape)) + ": it is not a classifier");
}

/// The nodes that the output depends on, in order; a container's name is an alias of its last layer.
Graph OnnxImporter::finish() {
  const NodeId output = scores().node;
  std::vector<bool> needed(nodes_.size(), false);
  needed[output] = true;
  for (std::size_t id = nodes_.size(); id-- > 0;) {
    if (!needed[id]) continue;
    for (const NodeId in : nodes_[id].inputs) needed[in] = true;
  }
  needed[0] = true;
  name_calls_apart();
  Graph graph;
  std::vector<NodeId> new_ids(nodes_.size(), -1);
  std::vector<bool> unnamed;
  for (std::size_t id = 0; id < nodes_.size(); ++id) {
    if (!needed[id]) continue;
    for (NodeId& in : nodes_[id].inputs) in = new_ids[in];
    new_ids[id] = graph.add(nodes_[id].name, std::move(nodes_[id].op), std::move(nodes_[id].inputs));
    unnamed.push_back(unnamed_.contains(static_cast<NodeId>(id)));
  }
  alias_containers(graph, unnamed);
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
  refuse(node, "this operator" + domain + " is not supported. " + kSupported);
}

// ---- values and attributes ---------------------------------------------------------------------------

const OnnxImporter::Value& OnnxImporter::value(const OnnxNode& node, std::size_t input) const {
  if (!given(node, input)) refuse(node, "its input " + std::to_string(input + 1) + " is missing");
  const auto found = values_.find(node.inputs[input]);
  if (found == values_.end())
    refuse(node, "it reads " + in_quotes(node.inputs[input]) + ", which no earlier node computes");
  return found->second;
}

bool OnnxImporter::is_only_reader(const OnnxNode& node, std::size_t input) const {
  const std::string_view name = node.inputs[input];
  const auto readers = readers_.find(name);
  const auto made = made_as_.find(any_flow(node, input).node);
  return readers != readers_.end() && readers->second.size() == 1 && !is_output(name) &&
         made != made_as_.end() && made->second == name;
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
  if (from.padded()) refuse(node, "it reads planes padded with -infinity, which only a max-pool may do");
  if (from.groups != 0) refuse(node, "it reads channels that are split into two axes");
  return from;
}

void OnnxImporter::require_nchw(const OnnxNode& node, const OnnxFlow& from) const {
  if (from.is_nchw() && from.groups == 0) return;
  if (from.shape.size() != 4 || from.groups != 0)
    refuse(node, "expected an N x C x H x W input, found " + to_string(from.shape));
  refuse(node, "it reads " + to_string(from.shape) + " with the axes in another order than N x C x H x W");
}

const OnnxFlow& OnnxImporter::nchw(const OnnxNode& node, std::size_t input) const {
  const OnnxFlow& from = flow(node, input);
  require_nchw(node, from);
  return from;
}

const Weight& OnnxImporter::weight(const OnnxNode& node, std::size_t input) const {
  const OnnxTensor* tensor = constant(node, input);
  if (tensor == nullptr || !tensor->floats)
    refuse(node, "expected a constant of floats as its input " + std::to_string(input + 1));
  return tensor->floats;
}

float OnnxImporter::number(const OnnxNode& node, std::size_t input, float otherwise) const {
  if (!given(node, input)) return otherwise;
  const OnnxTensor* tensor = constant(node, input);
  if (tensor == nullptr) refuse(node, "its input " + std::to_string(input + 1) + " must be a constant");
  if (tensor->floats && tensor->floats.size() == 1) return tensor->floats.to_tensor()[0];
  if (!tensor->floats && tensor->integers.size() == 1) return static_cast<float>(tensor->integers[0]);
  refuse(node, "expected a single number as its input " + std::to_string(input + 1));
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

std::string_view OnnxImporter::text(const OnnxNode& node, std::string_view attribute) const {
  const auto found = node.attributes.find(attribute);
  return found == node.attributes.end() ? std::string_view() : found->second.text;
}

/// Axes counted from the start, sorted, each once.
std::vector<std::int64_t> OnnxImporter::axes(const OnnxNode& node, std::vector<std::int64_t> axes,
                                             std::size_t rank) const {
  for (std::int64_t& a : axes) a = axis(node, a, rank);
  std::ranges::sort(axes);
  if (std::ranges::adjacent_find(axes) != axes.end()) refuse(node, "it names an axis twice");
  return axes;
}

std::int64_t OnnxImporter::axis(const OnnxNode& node, std::int64_t axis, std::size_t rank) const {
  const auto axes = static_cast<std::int64_t>(rank);
  if (axis < -axes || axis >= axes) refuse(node, "its input has no axis " + std::to_string(axis));
  return axis < 0 ? axis + axes : axis;
}

void OnnxImporter::set(const OnnxNode& node, Value value, std::size_t output) {
  if (node.outputs.size() <= output || node.outputs[output].empty()) return;
  if (const auto* tensor = std::get_if<OnnxTensor>(&value)) pay(numbers_in(*tensor));
  if (const auto* flow = std::get_if<OnnxFlow>(&value)) made_as_.emplace(flow->node, node.outputs[output]);
  if (model_.initializers.contains(node.outputs[output]) ||
      !values_.emplace(node.outputs[output], std::move(value)).second)
    refuse(node, "it computes " + in_quotes(node.outputs[output]) + " a second time");
}

void OnnxImporter::set_constant(const OnnxNode& node, Shape shape, std::vector<std::int64_t> integers) {
  set(node, OnnxTensor{std::move(shape), {}, std::move(integers)});
}

// ---- building ----------------------------------------------------------------------------------------

void OnnxImporter::pay(std::int64_t numbers) {
  if (numbers > numbers_left_) throw too_many_numbers();
  numbers_left_ -= numbers;
}

Error OnnxImporter::too_many_numbers() const {
  return malformed(file_,
                   "its network would have far more values than the file, because many tensors share them. "
                   "Export it again");
}

std::string OnnxImporter::unused(std::string name) {
  int& calls = names_[name];
  if (++calls == 1) return name;
  for (;; ++calls) {
    std::string again = name + "@" + std::to_string(calls);
    if (names_.emplace(again, 1).second) return again;
  }
}

/// From the exporter's scopes, else from the weight's name, else the node's own name. The last is no
/// module's: the next node is marked.
std::string OnnxImporter::name_of(const OnnxNode& node) {
  std::string name = layer_name(node.name, node.op);
  if (name.empty()) name = layer_name_of_scopes(node.scopes, node.op);
  if (name.empty() && node.inputs.size() > 1 && node.inputs[1].ends_with(".weight")) {
    const std::string_view path = node.inputs[1].substr(0, node.inputs[1].size() - 7);
    name = layer_name("/" + std::string(path) + "/", node.op);
  }
  if (name.empty()) unnamed_.insert(static_cast<NodeId>(nodes_.size()));
  if (name.empty() && !node.name.empty()) name = layer_name("/" + std::string(node.name) + "/", "Identity");
  if (name.empty()) name = layer_name("/", node.op);
  return unused(std::move(name));
}

NodeId OnnxImporter::add(std::string name, Op op, std::vector<NodeId> inputs) {
  pay(std::visit(CountNumbers{}, op));
  nodes_.push_back({std::move(name), std::move(op), std::move(inputs)});
  return static_cast<NodeId>(nodes_.size() - 1);
}

/// The engine's output shape; only for operators with one input.
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

void OnnxImporter::emit_nchw(const OnnxNode& node, Op op, const OnnxFlow& from) {
  OnnxFlow to = from;
  to.pads = {};
  to.shape = shape_behind(node, op, from.shape);
  to.node = add(name_of(node), std::move(op), {from.node});
  set(node, std::move(to));
}

void OnnxImporter::emit_like(const OnnxNode& node, Op op, const OnnxFlow& from) {
  OnnxFlow to = from;
  to.node = add(name_of(node), std::move(op), {from.node});
  set(node, std::move(to));
}

/// y = x * scale + shift per channel, as a BatchNorm without normalisation.
NodeId OnnxImporter::scaled(const std::string& name, NodeId from, std::span<const float> scale,
                            std::span<const float> shift) {
  const Shape channels{static_cast<std::int64_t>(scale.size())};
  const auto all = [&](float value) {
    Tensor tensor(channels);
    std::ranges::fill(tensor.values(), value);
    return tensor;
  };
  return add(unused(name), op::BatchNorm{Tensor(channels, scale), Tensor(channels, shift), all(0), all(1), 0},
             {from});
}

/// The engine scales channels, not the single features of flattened planes.
void OnnxImporter::require_channels(const OnnxNode& node, const OnnxFlow& from) const {
  if (!from.flattened.empty())
    refuse(node,
           "it scales or shifts flattened planes of several pixels, which is not supported; do so before "
           "they are flattened");
}

NodeId OnnxImporter::scaled(const std::string& name, NodeId from, std::int64_t channels, float scale,
                            float shift) {
  const auto count = static_cast<std::size_t>(channels);
  return scaled(name, from, std::vector<float>(count, scale), std::vector<float>(count, shift));
}

OnnxFlow OnnxImporter::as_planes(const OnnxNode& node, const OnnxFlow& from, const std::string& name) {
  if (!from.features) return from;
  if (!from.flattened.empty())
    refuse(node, "it reads flattened planes " + to_string(from.shape) + "; expected one number per channel");
  OnnxFlow to = from;
  to.node = add(unused(name), op::Unflatten{}, {from.node});
  to.features = false;
  return to;
}

OnnxFlow OnnxImporter::as_features(const OnnxFlow& from, const std::string& name) {
  if (from.features) return from;
  OnnxFlow to = from;
  to.node = add(unused(name), op::Flatten{}, {from.node});
  to.features = true;
  to.order = {Axis::images, Axis::channels};
  to.shape = {from.size(Axis::images), from.size(Axis::channels)};
  return to;
}

OnnxFlow OnnxImporter::repeated(const OnnxFlow& from, std::int64_t channels, const std::string& name) {
  OnnxFlow to = from;
  const op::ChannelMap all{std::vector<int>(static_cast<std::size_t>(channels), 0)};
  pay(channels);
  to.node = add(unused(name), all, {from.node});
  if (const int at = from.position(Axis::channels); at >= 0) to.shape[at] = channels;
  return to;
}

OnnxNetwork import_onnx(const OnnxModel& model, const std::string& file, const OnnxImport& how) {
  return OnnxImporter(model, file, how).run();
}

}  // namespace ablaze::formats
