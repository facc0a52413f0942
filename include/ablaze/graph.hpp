#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <ablaze/tensor.hpp>

namespace ablaze {

/// Zeros around the planes that a convolution or a pool reads (a max-pool ignores them). `same`: as many as
/// give ceil(input / stride) outputs, TensorFlow's and ONNX's SAME, so that the number depends on the input's
/// size; an odd one goes to the end (upper) or to the start (lower).
struct Padding {
  enum class Kind { fixed, same_upper, same_lower };
  Kind kind = Kind::fixed;
  std::array<int, 2> before{0, 0};  ///< fixed: rows above, columns to the left
  std::array<int, 2> after{0, 0};   ///< fixed: rows below, columns to the right

  Padding() = default;
  /// The same number of rows above and below, and of columns to the left and to the right: PyTorch's.
  Padding(int rows, int columns) : before{rows, columns}, after{rows, columns} {}
  Padding(std::array<int, 2> start, std::array<int, 2> end) : before(start), after(end) {}
  explicit Padding(Kind same) : kind(same) {}

  bool symmetric() const { return kind == Kind::fixed && before == after; }
  bool none() const { return *this == Padding(); }
  bool operator==(const Padding&) const = default;
  /// The padding as numbers for a window of `kernel` taps on an input of {height, width}.
  Padding at(std::array<std::int64_t, 2> input, std::array<int, 2> kernel, std::array<int, 2> stride,
             std::array<int, 2> dilation) const;
};

/// The operators of a network. Spatial attributes are {height, width}; semantics are PyTorch's.
namespace op {

struct Input {
  Shape shape;  ///< the only one that the network takes, without the batch: {3, 224, 224}; 0 = any
};
struct Conv2d {
  Weight weight;  ///< [O, C / groups, kh, kw]
  Weight bias;    ///< [O] or absent
  std::array<int, 2> stride{1, 1};
  Padding padding{};
  std::array<int, 2> dilation{1, 1};
  int groups = 1;
};
struct BatchNorm {        ///< y = (x - mean) / sqrt(variance + epsilon) * weight + bias, a channel at a time
  Weight weight, bias;    ///< [C], or absent (1 and 0)
  Weight mean, variance;  ///< [C]
  double epsilon = 1e-5;
};
struct Relu {};
/// Another curve that each number goes through.
struct Curve {
  enum class Kind {
    sigmoid,       ///< 1 / (1 + e^-x)
    silu,          ///< x sigmoid(x)
    hard_sigmoid,  ///< a x + b between 0 and 1
    hard_swish,    ///< x times x / 6 + 1/2 between 0 and 1
    clip,          ///< x between a and b
    power,         ///< x^a; 0 where x is 0 and a is negative
    tanh,          ///< (e^x - e^-x) / (e^x + e^-x)
    elu,           ///< b x above 0, b a (e^x - 1) below
    softplus,      ///< log(1 + e^x)
    mish,          ///< x tanh(log(1 + e^x))
    gelu,          ///< x (1 + erf(x / sqrt 2)) / 2
    erf            ///< the error function
  };
  Kind kind = Kind::sigmoid;
  float a = 0, b = 0;

  static constexpr std::array kinds{Kind::sigmoid,  Kind::silu,  Kind::hard_sigmoid, Kind::hard_swish,
                                    Kind::clip,     Kind::power, Kind::tanh,         Kind::elu,
                                    Kind::softplus, Kind::mish,  Kind::gelu,         Kind::erf};
};
struct MaxPool2d {
  std::array<int, 2> kernel{2, 2};
  std::array<int, 2> stride{2, 2};
  Padding padding{};
  std::array<int, 2> dilation{1, 1};
  bool ceil_mode = false;
};
struct AvgPool2d {
  std::array<int, 2> kernel{2, 2};
  std::array<int, 2> stride{2, 2};
  Padding padding{};
  bool ceil_mode = false;
  bool count_include_pad = true;
};
struct AdaptiveAvgPool2d {
  std::array<int, 2> output{1, 1};  ///< 0: as many as the input has
};
struct GlobalMaxPool2d {};  ///< the largest number of each plane: [N, C, H, W] -> [N, C, 1, 1]
struct Linear {
  Weight weight;  ///< [O, K]
  Weight bias;    ///< [O] or absent
};
struct Flatten {};    ///< [N, ...] -> [N, product of the rest]
struct Unflatten {};  ///< [N, C] -> [N, C, 1, 1]
struct Add {};        ///< two inputs of one shape
struct Multiply {};   ///< the product of two inputs of one shape, or of N x C x H x W and N x C x 1 x 1
struct Identity {};   ///< also Dropout at inference
/// Channels picked, put in another order or filled up with zeros: output channel c is input channel from[c],
/// or zeros where from[c] is -1, at every stride-th row and column.
struct ChannelMap {
  std::vector<int> from;
  std::array<int, 2> stride{1, 1};
};

}  // namespace op

using Op = std::variant<op::Input, op::Conv2d, op::BatchNorm, op::Relu, op::MaxPool2d, op::AvgPool2d,
                        op::AdaptiveAvgPool2d, op::Linear, op::Flatten, op::Add, op::Identity, op::ChannelMap,
                        op::Curve, op::Unflatten, op::Multiply, op::GlobalMaxPool2d>;

/// "Sigmoid", "SiLU", ...
std::string_view curve_name(op::Curve::Kind kind);
/// "Conv2d", "BatchNorm", ...; a curve's is its kind's
std::string_view op_name(const Op& op);

using NodeId = int;

/// A module call of the network.
struct Node {
  std::string name;  ///< PyTorch's module name: "layer4.1.conv2", "features.29"
  Op op;
  std::vector<NodeId> inputs;  ///< all smaller than the node's own id
};

/// A network as data: nodes in topological order; node 0 is the input, the last one the output.
///
/// A name means the module's output as a forward hook sees it with inplace=False. A container is its
/// last child ("layer4" is "layer4.1" on ResNet-18), a module called repeatedly ("layer4.1.relu") is
/// its last call; such names are aliases of a node.
class Graph {
 public:
  /// Appends a node and returns its id. Throws Error for a duplicate name, an input that does not
  /// exist, or the wrong number of inputs.
  NodeId add(std::string name, Op op, std::vector<NodeId> inputs);
  /// Lets a further name mean a node; a later alias of the same name replaces an earlier one.
  void alias(std::string name, NodeId node);

  std::span<const Node> nodes() const { return nodes_; }
  const Node& node(NodeId id) const { return nodes_.at(static_cast<std::size_t>(id)); }
  NodeId output() const { return static_cast<NodeId>(nodes_.size()) - 1; }
  int size() const { return static_cast<int>(nodes_.size()); }

  /// The node that a layer's name means. Throws UsageError with the nearest names where there is none.
  NodeId find(std::string_view name) const;
  bool contains(std::string_view name) const;
  const std::map<std::string, NodeId, std::less<>>& aliases() const { return aliases_; }

  /// downstream(n)[i]: whether node i can be reached from node n (n itself included).
  std::vector<bool> downstream(NodeId node) const;

  /// Output shape of every node for an input of the given NCHW shape. Throws Error, naming the
  /// layer, where shapes do not fit or a weight's shape contradicts them.
  std::vector<Shape> infer_shapes(const Shape& input) const;

 private:
  std::vector<Node> nodes_;
  std::map<std::string, NodeId, std::less<>> names_;
  std::map<std::string, NodeId, std::less<>> aliases_;
};

/// Multiply-adds of a node, from the shapes that infer_shapes gave (convolutions and linear layers;
/// everything else counts 0).
std::int64_t multiply_adds(const Graph& graph, NodeId node, std::span<const Shape> shapes);

/// Learned parameters of a node (BatchNorm's running statistics are not counted, as in PyTorch).
std::int64_t parameter_count(const Node& node);

/// The last activation before the head that still has a spatial extent: what to explain where
/// nothing else is known.
NodeId last_spatial(const Graph& graph, std::span<const Shape> shapes);

}  // namespace ablaze
