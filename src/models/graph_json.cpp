#include "models/graph_json.hpp"

#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <ablaze/error.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "graph/visit.hpp"

namespace ablaze::models {
namespace {

using json = base::SortedJson;

constexpr std::size_t kMostText = std::size_t{64} << 20;
constexpr std::size_t kMostNodes = 50'000;
constexpr std::size_t kMostChannels = 1 << 16;
constexpr int kDeepestGraph = 6;
constexpr const char *kSameUpper = "same_upper", *kSameLower = "same_lower";

// ---- writing -----------------------------------------------------------------------------------------

struct Attributes {
  json& to;
  void operator()(const op::Input& input) const { to["shape"] = input.shape; }
  void operator()(const op::Conv2d& conv) const {
    to["stride"] = conv.stride;
    padding(conv.padding);
    to["dilation"] = conv.dilation;
    to["groups"] = conv.groups;
  }
  void operator()(const op::BatchNorm& norm) const { to["epsilon"] = norm.epsilon; }
  void operator()(const op::MaxPool2d& pool) const {
    window(pool);
    to["dilation"] = pool.dilation;
  }
  void operator()(const op::AvgPool2d& pool) const {
    window(pool);
    to["count_include_pad"] = pool.count_include_pad;
  }
  void operator()(const op::AdaptiveAvgPool2d& pool) const { to["output"] = pool.output; }
  void operator()(const op::ChannelMap& map) const {
    to["from"] = map.from;
    to["stride"] = map.stride;
  }
  void operator()(const op::Curve& curve) const {
    to["a"] = curve.a;
    to["b"] = curve.b;
  }
  void operator()(const graph::one_of<op::Relu, op::Linear, op::GlobalMaxPool2d, op::Flatten, op::Unflatten,
                                      op::Add, op::Multiply, op::Identity> auto&) const {}

 private:
  template <class Pool>
  void window(const Pool& pool) const {
    to["kernel"] = pool.kernel;
    to["stride"] = pool.stride;
    padding(pool.padding);
    to["ceil_mode"] = pool.ceil_mode;
  }
  /// Two numbers where both sides are equal, four otherwise: top, left, bottom, right.
  void padding(const Padding& padding) const {
    if (padding.kind != Padding::Kind::fixed) {
      to["padding"] = padding.kind == Padding::Kind::same_upper ? kSameUpper : kSameLower;
    } else if (padding.symmetric()) {
      to["padding"] = padding.before;
    } else {
      to["padding"] = {padding.before[0], padding.before[1], padding.after[0], padding.after[1]};
    }
  }
};

// ---- reading -----------------------------------------------------------------------------------------

class GraphReader {
 public:
  GraphReader(const TensorMap& tensors, const std::string& file) : tensors_(tensors), file_(file) {}

  Graph read(const json& document) {
    const json& nodes = member(document, "nodes");
    if (!nodes.is_array() || nodes.size() > kMostNodes) fail("expected a list of nodes as \"nodes\"");
    for (const json& node : nodes) {
      name_ = text(node, "name");
      graph_.add(name_, operation(node), inputs(node));
    }
    if (graph_.size() == 0) fail("it has no nodes");
    const json& aliases = member(document, "aliases");
    if (!aliases.is_object()) fail("expected an object as \"aliases\"");
    for (const auto& [alias, node] : aliases.items()) {
      name_ = alias;
      graph_.alias(alias, static_cast<NodeId>(integer(node, 0, graph_.size() - 1)));
    }
    return std::move(graph_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(file_ + ": the metadata's ablaze.graph" +
                (name_.empty() ? std::string() : ", node " + base::printable(name_)) + ": " + what +
                "; convert the model again");
  }
  const json& member(const json& object, const char* key) const {
    if (!object.is_object() || !object.contains(key)) fail(std::string("\"") + key + "\" is missing");
    return object[key];
  }
  std::string text(const json& object, const char* key) const {
    const json& value = member(object, key);
    if (!value.is_string()) fail(std::string("expected a string as \"") + key + "\"");
    return value.get<std::string>();
  }
  std::int64_t integer(const json& value, std::int64_t least, std::int64_t most) const {
    const bool whole =
        value.is_number_integer() &&
        !(value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(most));
    if (!whole || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
      fail("expected an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return value.get<std::int64_t>();
  }
  bool truth(const json& node, const char* key) const {
    const json& value = member(node, key);
    if (!value.is_boolean()) fail(std::string("expected true or false as \"") + key + "\"");
    return value.get<bool>();
  }
  std::array<int, 2> pair(const json& node, const char* key) const {
    const json& value = member(node, key);
    if (!value.is_array() || value.size() != 2) fail(std::string("expected two numbers as \"") + key + "\"");
    constexpr std::int64_t most = 1 << 20;
    return {static_cast<int>(integer(value[0], 0, most)), static_cast<int>(integer(value[1], 0, most))};
  }
  Padding padding(const json& node) const {
    const json& value = member(node, "padding");
    if (value == kSameUpper) return Padding(Padding::Kind::same_upper);
    if (value == kSameLower) return Padding(Padding::Kind::same_lower);
    if (!value.is_array() || (value.size() != 2 && value.size() != 4))
      fail("expected two numbers, four, or a kind of padding as \"padding\"");
    constexpr std::int64_t most = 1 << 20;
    std::array<int, 4> sides{};
    for (std::size_t i = 0; i < 4; ++i)
      sides[i] = static_cast<int>(integer(value[i % value.size()], 0, most));
    return {{sides[0], sides[1]}, {sides[2], sides[3]}};
  }
  float real(const json& node, const char* key) const {
    const json& value = member(node, key);
    if (!value.is_number()) fail(std::string("expected a number as \"") + key + "\"");
    return value.get<float>();
  }
  static std::optional<op::Curve::Kind> curve_kind(std::string_view name) {
    for (const op::Curve::Kind kind : op::Curve::kinds) {
      if (curve_name(kind) == name) return kind;
    }
    return std::nullopt;
  }
  std::vector<NodeId> inputs(const json& node) const {
    const json& list = member(node, "inputs");
    if (!list.is_array() || list.size() > 2) fail("expected a list of nodes as \"inputs\"");
    std::vector<NodeId> result;
    for (const json& input : list)
      result.push_back(static_cast<NodeId>(integer(input, 0, graph_.size() - 1)));
    return result;
  }
  Weight weight(const char* suffix, bool needed) const {
    const auto found = tensors_.find(name_ + suffix);
    if (found != tensors_.end()) return found->second;
    if (needed) fail("the file has no tensor " + base::printable(name_ + suffix));
    return {};
  }

  template <class Pool>
  Pool windowed(const json& node, Pool pool) const {
    pool.kernel = pair(node, "kernel");
    pool.stride = pair(node, "stride");
    pool.padding = padding(node);
    pool.ceil_mode = truth(node, "ceil_mode");
    return pool;
  }

  Op operation(const json& node) const {
    const std::string kind = text(node, "op");
    std::optional<Op> op;
    read_as_any(kind, node, op, std::make_index_sequence<std::variant_size_v<Op>>());
    if (!op) fail("the operator " + base::printable(kind) + " is unknown to this version");
    return *std::move(op);
  }

  // Every operator has a read_op: a new one does not compile until it has.
  template <std::size_t... Index>
  void read_as_any(std::string_view kind, const json& node, std::optional<Op>& op,
                   std::index_sequence<Index...>) const {
    (read_as(std::type_identity<std::variant_alternative_t<Index, Op>>(), kind, node, op), ...);
  }
  template <class Operator>
  void read_as(std::type_identity<Operator> type, std::string_view kind, const json& node,
               std::optional<Op>& op) const {
    if (kind == op_name(Operator{})) op = read_op(type, node);
  }
  void read_as(std::type_identity<op::Curve>, std::string_view kind, const json& node,
               std::optional<Op>& op) const {
    if (const auto curve = curve_kind(kind)) op = op::Curve{*curve, real(node, "a"), real(node, "b")};
  }

  Op read_op(std::type_identity<op::Input>, const json& node) const {
    const json& shape = member(node, "shape");
    if (!shape.is_array() || (shape.size() != 3 && !shape.empty()))
      fail("expected three numbers as \"shape\"");
    op::Input input;
    for (const json& size : shape) input.shape.push_back(integer(size, 0, 1 << 20));
    return input;
  }
  Op read_op(std::type_identity<op::Conv2d>, const json& node) const {
    op::Conv2d conv;
    conv.weight = weight(".weight", true);
    conv.bias = weight(".bias", false);
    conv.stride = pair(node, "stride");
    conv.padding = padding(node);
    conv.dilation = pair(node, "dilation");
    conv.groups = static_cast<int>(integer(member(node, "groups"), 1, 1 << 20));
    return conv;
  }
  Op read_op(std::type_identity<op::BatchNorm>, const json& node) const {
    op::BatchNorm norm{weight(".weight", false), weight(".bias", false), weight(".running_mean", true),
                       weight(".running_var", true)};
    const json& epsilon = member(node, "epsilon");
    norm.epsilon = epsilon.is_number() ? epsilon.get<double>() : -1;
    if (!(norm.epsilon >= 0 && norm.epsilon <= 1)) fail("expected a number from 0 to 1 as \"epsilon\"");
    return norm;
  }
  Op read_op(std::type_identity<op::MaxPool2d>, const json& node) const {
    auto pool = windowed(node, op::MaxPool2d{});
    pool.dilation = pair(node, "dilation");
    return pool;
  }
  Op read_op(std::type_identity<op::AvgPool2d>, const json& node) const {
    auto pool = windowed(node, op::AvgPool2d{});
    pool.count_include_pad = truth(node, "count_include_pad");
    return pool;
  }
  Op read_op(std::type_identity<op::AdaptiveAvgPool2d>, const json& node) const {
    return op::AdaptiveAvgPool2d{pair(node, "output")};
  }
  Op read_op(std::type_identity<op::Linear>, const json&) const {
    return op::Linear{weight(".weight", true), weight(".bias", false)};
  }
  Op read_op(std::type_identity<op::ChannelMap>, const json& node) const {
    const json& from = member(node, "from");
    if (!from.is_array() || from.size() > kMostChannels) fail("expected a list of channels as \"from\"");
    op::ChannelMap map;
    for (const json& channel : from)
      map.from.push_back(static_cast<int>(integer(channel, -1, static_cast<std::int64_t>(kMostChannels))));
    map.stride = pair(node, "stride");
    return map;
  }
  template <graph::one_of<op::Relu, op::GlobalMaxPool2d, op::Flatten, op::Unflatten, op::Add, op::Multiply,
                          op::Identity>
                Operator>
  Op read_op(std::type_identity<Operator>, const json&) const {
    return Operator{};
  }

  const TensorMap& tensors_;
  const std::string& file_;
  Graph graph_;
  std::string name_;  ///< of the current item, for error messages
};

}  // namespace

std::string graph_to_json(const Graph& graph) {
  json nodes = json::array();
  for (const Node& node : graph.nodes()) {
    json entry{{"name", node.name}, {"op", op_name(node.op)}, {"inputs", node.inputs}};
    std::visit(Attributes{entry}, node.op);
    nodes.push_back(std::move(entry));
  }
  json aliases = json::object();
  for (const auto& [name, node] : graph.aliases()) aliases[name] = node;
  return json{{"nodes", std::move(nodes)}, {"aliases", std::move(aliases)}}.dump();
}

Graph graph_from_json(const std::string& text, const TensorMap& tensors, const std::string& file) {
  const json document = text.size() > kMostText ? json() : base::parse_json<json>(text, kDeepestGraph);
  if (!document.is_object())
    throw Error(
        file +
        ": expected a JSON object from ablaze as the metadata's ablaze.graph; convert the model again");
  return GraphReader(tensors, file).read(document);
}

}  // namespace ablaze::models
