#pragma once

// The implementation of the ONNX import, private to this folder.

#include <map>
#include <optional>
#include <set>
#include <variant>

#include <ablaze/error.hpp>

#include "formats/onnx/import.hpp"

namespace ablaze::formats {

/// For errors.
inline constexpr const char* kSupported =
    "Supported are convolutions, linear layers, BatchNorm, the usual activations, pools, sums, products and "
    "concatenations; see weights/README.md";

/// The engine's axes of planes. In a shuffle of channel groups, `channels` counts the groups and `within` the
/// channels of each.
enum class Axis : std::uint8_t { images, channels, rows, columns, within };

/// An activation of the network. The engine's value is planes, [N, C, H, W], or features, [N, K]; ONNX may
/// name its axes in another order, or leave out axes of size 1.
struct OnnxFlow {
  NodeId node = 0;
  Shape shape;              ///< in ONNX, for one batch
  std::vector<Axis> order;  ///< the engine's axis of each axis in ONNX; one that is missing here has size 1
  bool features = false;
  /// Features that were planes of several pixels: the planes' axes in the order of the features, and their
  /// sizes.
  std::vector<std::pair<Axis, std::int64_t>> flattened;
  std::array<std::int64_t, 4> pads{};  ///< added by a Pad: top, left, bottom, right
  bool pads_are_lowest = false;        ///< not zeros but -infinity, for a max-pool
  std::int64_t groups = 0;             ///< channel groups, while the channels are two axes; otherwise 0

  /// Whether features are in another order than the engine's.
  bool reordered() const;
  bool padded() const { return pads != std::array<std::int64_t, 4>{}; }
  std::int64_t size(Axis axis) const;
  /// The engine's shape.
  Shape planes() const;
  /// The position of an axis in ONNX; -1 if it is missing.
  int position(Axis axis) const;
  bool is_nchw() const {
    return !features && order == std::vector{Axis::images, Axis::channels, Axis::rows, Axis::columns};
  }
};

/// The engine's feature of each feature in ONNX, for OnnxFlow::flattened.
std::vector<std::int64_t> engine_features(const std::vector<std::pair<Axis, std::int64_t>>& flattened);

class OnnxImporter {
 public:
  OnnxImporter(const OnnxModel& model, const std::string& file, const OnnxImport& how)
      : model_(model), file_(file), how_(how) {}
  OnnxNetwork run();

 private:
  using Value = std::variant<OnnxTensor, OnnxFlow>;
  using Handler = void (OnnxImporter::*)(const OnnxNode&);
  static Handler handler_of(std::string_view op);
  /// The handler of a node whose inputs are all constants.
  static Handler folder_of(std::string_view op);
  static bool folds(std::string_view op);

  // import.cpp: the traversal
  void import_node(const OnnxNode& node);
  OnnxFlow scores();
  Graph finish();
  void name_calls_apart();
  [[noreturn]] void refuse(const OnnxNode& node, const std::string& why) const;
  [[noreturn]] void refuse_operator(const OnnxNode& node) const;

  // ends.cpp: the network's input and output, and what it is where it cannot be imported
  void find_output();
  void find_needed_nodes();
  void find_input();
  bool reads_channels_last(const OnnxValue& input) const;
  bool is_output(std::string_view value) const { return value == output_name_; }
  /// Whether what follows a value up to the output changes no number: Identity, Cast, Squeeze, ...
  bool ends_network(std::string_view value) const;
  void require_known_operators() const;
  /// A sentence on an architecture that is recognised by its operators; empty if none is.
  std::string architecture() const;

  // values and attributes
  const Value& value(const OnnxNode& node, std::size_t input) const;
  /// Whether a node's input is the only name of its engine node and has no other reader: the engine node may
  /// then be changed for this reader.
  bool is_only_reader(const OnnxNode& node, std::size_t input) const;
  bool given(const OnnxNode& node, std::size_t input) const {
    return node.inputs.size() > input && !node.inputs[input].empty();
  }
  const OnnxTensor* constant(const OnnxNode& node, std::size_t input) const;
  const OnnxTensor& known(const OnnxNode& node, std::size_t input) const;  ///< a required constant
  const OnnxTensor* constant_called(std::string_view name) const;
  /// The input flow of an operator; refuses pads and split channels, which only some operators support.
  const OnnxFlow& flow(const OnnxNode& node, std::size_t input = 0) const;
  const OnnxFlow& any_flow(const OnnxNode& node, std::size_t input = 0) const;
  const OnnxFlow& nchw(const OnnxNode& node, std::size_t input = 0) const;  ///< N x C x H x W in ONNX too
  void require_nchw(const OnnxNode& node, const OnnxFlow& from) const;
  const Weight& weight(const OnnxNode& node, std::size_t input) const;
  /// A constant of one number; `otherwise` if the input is not given.
  float number(const OnnxNode& node, std::size_t input, float otherwise) const;
  /// Integers from an attribute or, in later opsets, from an input.
  std::optional<std::vector<std::int64_t>> integers(const OnnxNode& node, std::string_view attribute,
                                                    std::size_t input) const;
  std::int64_t integer(const OnnxNode& node, std::string_view attribute, std::int64_t otherwise) const;
  float real(const OnnxNode& node, std::string_view attribute, float otherwise) const;
  std::string_view text(const OnnxNode& node, std::string_view attribute) const;
  std::int64_t axis(const OnnxNode& node, std::int64_t axis, std::size_t rank) const;
  std::vector<std::int64_t> axes(const OnnxNode& node, std::vector<std::int64_t> axes,
                                 std::size_t rank) const;
  void set(const OnnxNode& node, Value value, std::size_t output = 0);
  void set_constant(const OnnxNode& node, Shape shape, std::vector<std::int64_t> integers);

  // building
  /// Charges numbers held by the network against a budget set by the file's size.
  void pay(std::int64_t numbers);
  Error too_many_numbers() const;
  std::string unused(std::string name);
  std::string name_of(const OnnxNode& node);
  NodeId add(std::string name, Op op, std::vector<NodeId> inputs);
  Shape shape_behind(const OnnxNode& node, const Op& op, const Shape& in) const;
  /// Adds a node on N x C x H x W and makes it the ONNX node's value.
  void emit_nchw(const OnnxNode& node, Op op, const OnnxFlow& from);
  /// Adds a node that keeps the shape.
  void emit_like(const OnnxNode& node, Op op, const OnnxFlow& from);
  void require_channels(const OnnxNode& node, const OnnxFlow& from) const;
  NodeId scaled(const std::string& name, NodeId from, std::span<const float> scale,
                std::span<const float> shift);
  NodeId scaled(const std::string& name, NodeId from, std::int64_t channels, float scale, float shift);
  /// The planes of features, one pixel each, and back.
  OnnxFlow as_planes(const OnnxNode& node, const OnnxFlow& from, const std::string& name);
  OnnxFlow as_features(const OnnxFlow& from, const std::string& name);
  /// Planes with `channels` times the only channel.
  OnnxFlow repeated(const OnnxFlow& from, std::int64_t channels, const std::string& name);

  // layers.cpp: operators with weights, pools and the engine's other operators
  struct Windows {
    std::array<int, 2> kernel{1, 1}, stride{1, 1}, dilation{1, 1};
    Padding padding;
  };
  Windows windows(const OnnxNode& node, const OnnxFlow& from, std::array<int, 2> kernel) const;
  Padding padding_of(const OnnxNode& node, const std::array<std::int64_t, 4>& pads) const;
  void conv(const OnnxNode& node);
  void batch_norm(const OnnxNode& node);
  void max_pool(const OnnxNode& node);
  void average_pool(const OnnxNode& node);
  void global_average_pool(const OnnxNode& node);
  void global_max_pool(const OnnxNode& node);
  void reduce(const OnnxNode& node);
  OnnxFlow reduced(const OnnxNode& node, OnnxFlow from, std::span<const std::int64_t> axes,
                   const std::string& name);
  void layer_norm(const OnnxNode& node);
  void gemm(const OnnxNode& node);
  void matmul(const OnnxNode& node);
  void emit_linear(const OnnxNode& node, Tensor weight, Weight bias, const OnnxFlow& from);
  void identity(const OnnxNode& node);
  void cast(const OnnxNode& node);
  void lrn(const OnnxNode& node);
  void head_activation(const OnnxNode& node);

  // curves.cpp: activation functions
  void relu(const OnnxNode& node);
  void clip(const OnnxNode& node);
  void leaky_relu(const OnnxNode& node);
  void prelu(const OnnxNode& node);
  void leaky(const OnnxNode& node, const OnnxFlow& from, std::span<const float> slopes);
  void curve(const OnnxNode& node);
  void celu(const OnnxNode& node);
  void sigmoid(const OnnxNode& node);
  void absolute(const OnnxNode& node);
  void negative(const OnnxNode& node);
  bool gate_itself(const OnnxNode& node, std::size_t gate);

  // arithmetic.cpp: sums and products
  void arithmetic(const OnnxNode& node);
  void extreme(const OnnxNode& node);
  void sum(const OnnxNode& node);
  std::vector<float> by_channel(const OnnxTensor& constant, const OnnxFlow& flow) const;
  void arithmetic_with_constant(const OnnxNode& node, OnnxFlow from, const OnnxTensor& by, bool reversed);
  OnnxFlow combined(const OnnxNode& node, OnnxFlow a, OnnxFlow b, std::string_view op,
                    const std::string& name);
  void match(const OnnxNode& node, std::array<OnnxFlow, 2>& pair, bool equal, const std::string& name);
  OnnxFlow enlarged(const OnnxFlow& from, const OnnxFlow& like, const std::string& name);

  // axes.cpp: other names for the same numbers
  void flatten(const OnnxNode& node);
  void reshape(const OnnxNode& node);
  void transpose(const OnnxNode& node);
  void squeeze(const OnnxNode& node);
  void unsqueeze(const OnnxNode& node);
  void expand(const OnnxNode& node);
  /// Planes under another shape that differs in axes of size 1 only.
  void set_axes(const OnnxNode& node, OnnxFlow from, Shape shape, std::vector<Axis> order);
  void set_flat(const OnnxNode& node, const OnnxFlow& from, std::int64_t features);

  // channels.cpp: data movement
  void concat(const OnnxNode& node);
  void split(const OnnxNode& node);
  void slice(const OnnxNode& node);
  void gather(const OnnxNode& node);
  void pad(const OnnxNode& node);
  OnnxFlow pad_planes(const OnnxNode& node, const OnnxFlow& from, const std::string& name);
  OnnxFlow mapped(const OnnxNode& node, const OnnxFlow& from, std::vector<int> channels,
                  std::array<int, 2> stride, const std::string& name);
  void set_mapped(const OnnxNode& node, const OnnxFlow& from, std::vector<int> channels,
                  std::array<int, 2> stride, std::size_t output);

  // constants.cpp: constant folding
  bool fold(const OnnxNode& node);
  void constant_node(const OnnxNode& node);
  void shape_node(const OnnxNode& node);
  void fold_gather(const OnnxNode& node);
  void fold_concat(const OnnxNode& node);
  void fold_slice(const OnnxNode& node);
  void fold_binary(const OnnxNode& node);
  void fold_unary(const OnnxNode& node);
  void fold_where(const OnnxNode& node);
  void fold_cast(const OnnxNode& node);
  void fold_shape(const OnnxNode& node);
  void fold_transpose(const OnnxNode& node);
  void fold_expand(const OnnxNode& node);
  void fold_range(const OnnxNode& node);
  void fold_reduce(const OnnxNode& node);
  void constant_of_shape(const OnnxNode& node);
  std::int64_t affordable(const OnnxNode& node, const Shape& shape) const;

  const OnnxModel& model_;
  const std::string& file_;
  const OnnxImport& how_;
  OnnxNetwork network_;
  std::string_view input_name_, output_name_;
  std::vector<const OnnxNode*> needed_;  ///< nodes that the output depends on, in their order
  std::vector<Node> nodes_;
  std::set<NodeId> unnamed_;          ///< nodes whose module the file does not tell
  std::map<std::string, int> names_;  ///< and the number of requests for each
  std::int64_t numbers_left_ = 0;
  std::map<std::string_view, Value> values_;
  std::map<NodeId, std::string_view> made_as_;  ///< the value that an engine node was made for
  std::map<std::string_view, std::vector<const OnnxNode*>> readers_;
  bool computes_in_halves_ = false;
};

}  // namespace ablaze::formats
