#pragma once

// The implementation of the ONNX import, private to this folder.

#include <map>
#include <optional>
#include <set>
#include <variant>

#include "formats/onnx/import.hpp"

namespace ablaze::formats {

/// An activation of the network.
struct OnnxFlow {
  NodeId node = 0;
  Shape shape;                         ///< the shape in ONNX, for one batch
  std::array<std::int64_t, 4> pads{};  ///< zeros added by a Pad: top, left, bottom, right
  std::int64_t groups = 0;             ///< channel groups, while these are a fifth axis; otherwise 0
  bool swapped = false;                ///< the groups' axis and the next one are transposed
};

class OnnxImporter {
 public:
  OnnxImporter(const OnnxModel& model, const std::string& file, OnnxOutput output)
      : model_(model), file_(file), output_(output) {}
  OnnxNetwork run();

 private:
  using Value = std::variant<OnnxTensor, OnnxFlow>;
  using Handler = void (OnnxImporter::*)(const OnnxNode&);
  static Handler handler_of(std::string_view op);
  /// The handler of a node whose inputs are all constants.
  static Handler folder_of(std::string_view op);
  static bool folds(std::string_view op);
  void require_known_operators() const;

  // import.cpp: the traversal
  void find_input();
  void import_node(const OnnxNode& node);
  const OnnxFlow& output() const;
  Graph finish();
  void name_calls_apart();
  [[noreturn]] void refuse(const OnnxNode& node, const std::string& why) const;
  [[noreturn]] void refuse_operator(const OnnxNode& node) const;
  bool is_output(std::string_view value) const { return value == model_.outputs.front().name; }

  // values and attributes
  const Value& value(const OnnxNode& node, std::size_t input) const;
  bool given(const OnnxNode& node, std::size_t input) const {
    return node.inputs.size() > input && !node.inputs[input].empty();
  }
  const OnnxTensor* constant(const OnnxNode& node, std::size_t input) const;
  const OnnxTensor& known(const OnnxNode& node, std::size_t input) const;  ///< a required constant
  const OnnxTensor* constant_called(std::string_view name) const;
  /// The input flow of an operator; refuses pads and split channels, which only some operators support.
  const OnnxFlow& flow(const OnnxNode& node, std::size_t input = 0) const;
  const OnnxFlow& any_flow(const OnnxNode& node, std::size_t input = 0) const;
  const OnnxFlow& planes(const OnnxNode& node, std::size_t input = 0) const;  ///< a flow of rank 4
  const Weight& weight(const OnnxNode& node, std::size_t input) const;
  /// Integers from an attribute or, in later opsets, from an input.
  std::optional<std::vector<std::int64_t>> integers(const OnnxNode& node, std::string_view attribute,
                                                    std::size_t input) const;
  std::int64_t integer(const OnnxNode& node, std::string_view attribute, std::int64_t otherwise) const;
  float real(const OnnxNode& node, std::string_view attribute, float otherwise) const;
  std::int64_t axis(const OnnxNode& node, std::int64_t axis, std::size_t rank) const;
  void set(const OnnxNode& node, Value value, std::size_t output = 0);
  void set_constant(const OnnxNode& node, Shape shape, std::vector<std::int64_t> integers);

  // building
  /// Charges numbers held by the network against a budget set by the file's size.
  void pay(std::int64_t numbers);
  std::string unused(std::string name);
  std::string name_of(const OnnxNode& node);
  NodeId add(std::string name, Op op, std::vector<NodeId> inputs);
  Shape shape_behind(const OnnxNode& node, const Op& op, const Shape& in) const;
  /// Adds a node with one input and makes it the ONNX node's value.
  void emit(const OnnxNode& node, Op op, const OnnxFlow& from, Shape shape);
  NodeId scaled(const std::string& name, NodeId from, std::int64_t channels, float scale, float shift);

  // layers.cpp: operators with weights, pools and the engine's other operators
  struct Windows {
    std::array<int, 2> kernel{1, 1}, stride{1, 1}, dilation{1, 1};
    std::array<std::int64_t, 4> pads{};
    std::array<int, 2> symmetric() const { return {static_cast<int>(pads[0]), static_cast<int>(pads[1])}; }
  };
  Windows windows(const OnnxNode& node, const OnnxFlow& from, std::array<int, 2> kernel) const;
  /// The engine pads symmetrically; asymmetric ONNX padding is emulated with zero taps that shift the window.
  void set_padding(const OnnxNode& node, op::Conv2d& conv, const std::array<std::int64_t, 4>& pads);
  void require_symmetric(const OnnxNode& node, const Windows& windows) const;
  void conv(const OnnxNode& node);
  void batch_norm(const OnnxNode& node);
  void relu(const OnnxNode& node);
  void max_pool(const OnnxNode& node);
  void average_pool(const OnnxNode& node);
  void global_average_pool(const OnnxNode& node);
  void reduce_mean(const OnnxNode& node);
  void gemm(const OnnxNode& node);
  void matmul(const OnnxNode& node);
  void flatten(const OnnxNode& node);
  void identity(const OnnxNode& node);
  void clip(const OnnxNode& node);
  void leaky_relu(const OnnxNode& node);
  void curve(const OnnxNode& node);
  void sigmoid(const OnnxNode& node);
  void lrn(const OnnxNode& node);
  void head_activation(const OnnxNode& node);

  // shapes.cpp: data movement without arithmetic, and sums
  void arithmetic(const OnnxNode& node);
  void arithmetic_of_flows(const OnnxNode& node);
  void arithmetic_with_constant(const OnnxNode& node, const OnnxFlow& from, const OnnxTensor& by,
                                bool reversed);
  void product(const OnnxNode& node);
  bool gate_itself(const OnnxNode& node, std::size_t gate);
  void sum(const OnnxNode& node);
  void reshape(const OnnxNode& node);
  void transpose(const OnnxNode& node);
  void concat(const OnnxNode& node);
  void split(const OnnxNode& node);
  void slice(const OnnxNode& node);
  void pad(const OnnxNode& node);
  void pad_planes(const OnnxNode& node, const OnnxFlow& from);
  void squeeze(const OnnxNode& node);
  void unsqueeze(const OnnxNode& node);
  void map_channels(const OnnxNode& node, const OnnxFlow& from, std::vector<int> channels,
                    std::array<int, 2> stride, std::size_t output);

  // constants.cpp: constant folding
  bool fold(const OnnxNode& node);
  void constant_node(const OnnxNode& node);
  void shape_node(const OnnxNode& node);
  void fold_gather(const OnnxNode& node);
  void fold_concat(const OnnxNode& node);
  void fold_slice(const OnnxNode& node);
  void fold_arithmetic(const OnnxNode& node);
  void fold_axes(const OnnxNode& node);
  void constant_of_shape(const OnnxNode& node);

  const OnnxModel& model_;
  const std::string& file_;
  OnnxOutput output_;
  OnnxNetwork network_;
  std::string_view input_name_;
  std::vector<Node> nodes_;
  std::map<std::string, int> names_;  ///< and the number of requests for each
  std::int64_t numbers_left_ = 0;
  std::map<std::string_view, Value> values_;
  std::map<std::string_view, int> readers_;
  std::set<std::string_view> read_as_planes_;  ///< by an operator without padding of its own
};

}  // namespace ablaze::formats
