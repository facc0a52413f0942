// The same network as several programs write it: each form gives the answers of the plain one.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <doctest/doctest.h>

#include "formats/import_text.hpp"
#include "formats/onnx/import.hpp"
#include "support/reference_run.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;
using namespace ablaze::testing::onnx;

namespace {

using Numbers = std::vector<std::int64_t>;

/// Numbers without a pattern that a permutation keeps.
std::vector<float> uneven(std::int64_t count) {
  std::vector<float> result;
  for (std::int64_t i = 0; i < count; ++i) result.push_back(static_cast<float>((i * 7919) % 101) / 50 - 1);
  return result;
}

std::string floats_of(const std::string& name, const Numbers& shape) {
  return initializer(floats_tensor(name, shape, uneven(element_count(shape))));
}

std::string perm(const Numbers& order) { return attribute("perm", order); }

const std::string kLast = perm({0, 2, 3, 1}), kFirst = perm({0, 3, 1, 2});

/// The scores of a graph for an input of the network's own shape.
Values answers(const std::string& nodes, const Numbers& shape = {1, 3, 4, 6}, std::int64_t opset = 13) {
  const OnnxNetwork network = import_text(model(from_x_to_y(nodes, shape), opset));
  Values x;
  for (const float v : uneven(element_count(network.input))) x.push_back(static_cast<double>(v));
  return ReferenceRun(network.graph, network.input, x).output();
}

void same_answers(const Values& found, const Values& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-6));
}

std::string conv(const std::string& from, const std::string& to, const std::string& attributes = "") {
  return floats_of("w" + to, {5, 3, 3, 3}) + node("Conv", {from, "w" + to}, {to}, attributes);
}

}  // namespace

// ---- axes --------------------------------------------------------------------------------------------

TEST_CASE("onnx: channels last, as TensorFlow's exporters write them") {
  const std::string pads = attribute("pads", Numbers{1, 1, 1, 1});
  const Values plain = answers(conv("x", "c", pads) + node("Relu", {"c"}, {"r"}) + pooled("r"));
  const Numbers last{1, 4, 6, 3};
  const std::string in = node("Transpose", {"x"}, {"t"}, kFirst) + conv("t", "c", pads);
  same_answers(answers(in + node("Relu", {"c"}, {"r"}) + pooled("r"), last), plain);
  // Around an activation
  same_answers(answers(in + node("Transpose", {"c"}, {"l"}, kLast) + node("Relu", {"l"}, {"m"}) +
                           node("Transpose", {"m"}, {"r"}, kFirst) + pooled("r"),
                       last),
               plain);
  // A mean over rows and columns, wherever they are
  const std::string relu = in + node("Relu", {"c"}, {"n"}) + node("Transpose", {"n"}, {"r"}, kLast);
  same_answers(answers(relu + node("ReduceMean", {"r"}, {"y"},
                                   attribute("axes", Numbers{1, 2}) + attribute("keepdims", std::int64_t{0})),
                       last),
               plain);
  same_answers(answers(relu + node("ReduceMean", {"r"}, {"p"}, attribute("axes", Numbers{1, 2})) +
                           initializer(integers_tensor("s", {-1, 5})) + node("Reshape", {"p", "s"}, {"y"}),
                       last),
               plain);
  same_answers(answers(relu +
                           node("ReduceMean", {"r"}, {"a"},
                                attribute("axes", Numbers{2}) + attribute("keepdims", std::int64_t{0})) +
                           node("ReduceMean", {"a"}, {"y"},
                                attribute("axes", Numbers{1}) + attribute("keepdims", std::int64_t{0})),
                       last),
               plain);
}

TEST_CASE("onnx: constants, concatenations and parts follow the axes") {
  const std::string k = initializer(floats_tensor("k", {3}, {1, -2, 3}));
  const std::string first = initializer(floats_tensor("k", {3, 1, 1}, {1, -2, 3}));
  const Numbers last{1, 4, 6, 3};
  const auto back = [](const std::string& from) {
    return node("Transpose", {from}, {"b"}, kFirst) + pooled("b");
  };
  const std::string conv_first =
      node("Transpose", {"x"}, {"t"}, kFirst) + node("Transpose", {"t"}, {"l"}, kLast);
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
    CAPTURE(op);
    same_answers(answers(conv_first + k + node(op, {"l", "k"}, {"m"}) + back("m"), last),
                 answers(first + node(op, {"x", "k"}, {"m"}) + pooled("m")));
  }
  const auto along = [](std::int64_t axis) { return attribute("axis", axis); };
  same_answers(answers(conv_first + node("Concat", {"l", "l"}, {"m"}, along(3)) + back("m"), last),
               answers(node("Concat", {"x", "x"}, {"m"}, along(1)) + pooled("m")));
  same_answers(answers(conv_first + node("Concat", {"l", "l"}, {"m"}, along(-1)) + back("m"), last),
               answers(node("Concat", {"x", "x"}, {"m"}, along(1)) + pooled("m")));
  const std::string sizes = initializer(integers_tensor("sizes", {2, 1}));
  same_answers(
      answers(conv_first + sizes + node("Split", {"l", "sizes"}, {"m", "rest"}, along(3)) + back("m"), last),
      answers(sizes + node("Split", {"x", "sizes"}, {"m", "rest"}, along(1)) + pooled("m")));
  // Rows in place of channels
  CHECK(says(refused_nodes(conv_first + node("Concat", {"l", "l"}, {"m"}, along(1)) + back("m"), last),
             "only a concatenation of channels"));
  CHECK(says(refused_nodes(conv_first + conv("l", "c") + pooled("c"), {1, 3, 3, 3}), "another order"));
}

TEST_CASE("onnx: planes flattened with the channels last") {
  const std::string weight = initializer(floats_tensor("fc", {72, 2}, uneven(144)));
  // The rows of the weight in the order of x: c, h, w.
  std::vector<float> turned(144);
  const std::vector<float> own = uneven(144);
  for (std::size_t h = 0; h < 4; ++h) {
    for (std::size_t w = 0; w < 6; ++w) {
      for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t o = 0; o < 2; ++o)
          turned[((c * 4 + h) * 6 + w) * 2 + o] = own[((h * 6 + w) * 3 + c) * 2 + o];
      }
    }
  }
  const Values plain = answers(initializer(floats_tensor("fc", {72, 2}, turned)) +
                               node("Flatten", {"x"}, {"f"}) + node("MatMul", {"f", "fc"}, {"y"}));
  const std::string last = node("Transpose", {"x"}, {"l"}, kLast),
                    shape = initializer(integers_tensor("s", {1, 72}));
  same_answers(answers(weight + last + shape + node("Reshape", {"l", "s"}, {"f"}) +
                       node("MatMul", {"f", "fc"}, {"y"})),
               plain);
  same_answers(answers(weight + last + node("Flatten", {"l"}, {"f"}) + node("Gemm", {"f", "fc"}, {"y"})),
               plain);
  // Through an activation and a Dropout; the engine has no constants for single features of planes
  const std::string rest =
      node("Relu", {"f"}, {"r"}) + node("Dropout", {"r"}, {"d"}) + node("MatMul", {"d", "fc"}, {"y"});
  same_answers(
      answers(weight + last + node("Flatten", {"l"}, {"f"}) + rest),
      answers(initializer(floats_tensor("fc", {72, 2}, turned)) + node("Flatten", {"x"}, {"f"}) + rest));
  CHECK(says(refused_nodes(weight + initializer(floats_tensor("k", {72}, uneven(72))) + last +
                           node("Flatten", {"l"}, {"g"}) + node("Add", {"g", "k"}, {"f"}) + rest),
             "flattened planes"));
}

TEST_CASE("onnx: zeros of a Pad are input of a pool with ceil_mode, its own pads are not") {
  const auto pads = [](Numbers values) { return attribute("pads", values); };
  const std::string window = attribute("kernel_shape", Numbers{2, 2}) + attribute("strides", Numbers{2, 2}) +
                             attribute("ceil_mode", std::int64_t{1});
  // Five rows become six with the Pad: three windows; with the pool's own pads the last would begin in them.
  const std::string own = node("Pad", {"x"}, {"z"}, pads({0, 0, 0, 0, 0, 0, 2, 2}));
  const std::string real =
      node("Relu", {"z"}, {"r"}) + node("AveragePool", {"r"}, {"q"}, window) + pooled("q");
  const std::string positive = node("Relu", {"x"}, {"a"}) +
                               node("Pad", {"a"}, {"z"}, pads({0, 0, 0, 0, 0, 0, 2, 2})) +
                               node("AveragePool", {"z"}, {"q"}, window) + pooled("q");
  same_answers(answers(positive), answers(own + real));
}

TEST_CASE("onnx: classes of a sum, a part and a concatenation of scores") {
  const std::string two = node("GlobalAveragePool", {"x"}, {"m"}) + node("Flatten", {"m"}, {"f"}) +
                          floats_of("a", {5, 3}) + floats_of("b", {5, 3}) +
                          node("Gemm", {"f", "a"}, {"p"}, attribute("transB", std::int64_t{1})) +
                          node("Gemm", {"f", "b"}, {"q"}, attribute("transB", std::int64_t{1}));
  CHECK(answers(two + node("Add", {"p", "q"}, {"y"})).size() == 5);
  CHECK(answers(two + node("Concat", {"p", "q"}, {"y"}, attribute("axis", std::int64_t{1}))).size() == 10);
  // The advantage over the mean, as in a dueling head
  const Values gap = answers(two + node("ReduceMean", {"p"}, {"e"}, attribute("axes", Numbers{1})) +
                             node("Sub", {"p", "e"}, {"y"}));
  double sum = 0;
  for (const double v : gap) sum += v;
  CHECK(gap.size() == 5);
  CHECK(std::abs(sum) < 1e-6);
}

TEST_CASE("onnx: squeeze and excitation, gates and masks that are smaller than what they change") {
  const std::string mean = node("GlobalAveragePool", {"x"}, {"m"}) + node("Sigmoid", {"m"}, {"g"});
  const Values product = answers(mean + node("Mul", {"x", "g"}, {"z"}) + pooled("z"));
  // Channels last: N x C, then N x 1 x 1 x C
  const std::string last = node("Transpose", {"x"}, {"l"}, kLast) +
                           node("ReduceMean", {"l"}, {"m"},
                                attribute("axes", Numbers{1, 2}) + attribute("keepdims", std::int64_t{0})) +
                           node("Sigmoid", {"m"}, {"g"}) + initializer(integers_tensor("s", {-1, 1, 1, 3})) +
                           node("Reshape", {"g", "s"}, {"h"});
  same_answers(
      answers(last + node("Mul", {"l", "h"}, {"p"}) + node("Transpose", {"p"}, {"z"}, kFirst) + pooled("z")),
      product);
  // A sum: the mean of x + g is the mean of x, plus g
  const Values x = answers(pooled("x"));
  const std::string added = mean + node("Add", {"g", "x"}, {"z"}) + pooled("z");
  const Values sum = answers(added);
  for (std::size_t c = 0; c < 3; ++c) CHECK(sum[c] == doctest::Approx(x[c] + 1 / (1 + std::exp(-x[c]))));
  const Values gap = answers(mean + node("Sub", {"g", "x"}, {"z"}) + pooled("z"));
  for (std::size_t c = 0; c < 3; ++c) CHECK(gap[c] == doctest::Approx(1 / (1 + std::exp(-x[c])) - x[c]));
  // One number per pixel: spatial attention
  const std::string spatial = node("ReduceMean", {"x"}, {"m"}, attribute("axes", Numbers{1}));
  const std::string repeated =
      initializer(floats_tensor("thirds", {3, 3, 1, 1}, std::vector<float>(9, 1.0F / 3))) +
      node("Conv", {"x", "thirds"}, {"m"});
  for (const char* op : {"Add", "Mul", "Sub"}) {
    CAPTURE(op);
    same_answers(answers(spatial + node(op, {"x", "m"}, {"z"}) + pooled("z")),
                 answers(repeated + node(op, {"x", "m"}, {"z"}) + pooled("z")));
  }
  // Of channels and of pixels together
  same_answers(
      answers(mean + spatial.substr(0, 0) + node("ReduceMean", {"x"}, {"q"}, attribute("axes", Numbers{1})) +
              node("Mul", {"g", "q"}, {"z"}) + pooled("z")),
      answers(mean + initializer(floats_tensor("thirds", {3, 3, 1, 1}, std::vector<float>(9, 1.0F / 3))) +
              node("Conv", {"x", "thirds"}, {"q"}) + node("Mul", {"g", "q"}, {"z"}) + pooled("z")));
  CHECK(says(refused_nodes(node("ReduceMean", {"x"}, {"m"}, attribute("axes", Numbers{2})) +
                           node("Mul", {"x", "m"}, {"z"}) + pooled("z")),
             "do not match"));
}

TEST_CASE("onnx: rows of scores in parts, and the shuffle of channels in either order") {
  const std::string mean = node("GlobalAveragePool", {"x"}, {"a"}) + node("Flatten", {"a"}, {"f"});
  const std::string most = node("GlobalMaxPool", {"x"}, {"b"}) + node("Flatten", {"b"}, {"g"});
  const std::string weight = floats_of("fc", {2, 6});
  const std::string linear = node("Gemm", {"z", "fc"}, {"y"}, attribute("transB", std::int64_t{1}));
  const std::string channels = attribute("axis", std::int64_t{1});
  const Values joined =
      answers(node("GlobalAveragePool", {"x"}, {"a"}) + node("GlobalMaxPool", {"x"}, {"b"}) + weight +
              node("Concat", {"a", "b"}, {"c"}, channels) + node("Flatten", {"c"}, {"z"}) + linear);
  same_answers(answers(mean + most + weight + node("Concat", {"f", "g"}, {"z"}, channels) + linear), joined);
  same_answers(answers(mean + most + weight +
                       node("Concat", {"f", "g"}, {"z"}, attribute("axis", std::int64_t{-1})) + linear),
               joined);

  const std::string shape = initializer(integers_tensor("split", {1, 2, 3, 4, 6})) +
                            initializer(integers_tensor("whole", {1, 6, 4, 6}));
  const std::string shuffle = node("Reshape", {"x", "split"}, {"s"}) +
                              node("Transpose", {"s"}, {"t"}, perm({0, 2, 1, 3, 4})) +
                              node("Reshape", {"t", "whole"}, {"z"});
  const Values shuffled = answers(shape + shuffle + pooled("z"), {1, 6, 4, 6});
  const Values plain = answers(pooled("x"), {1, 6, 4, 6});
  for (std::size_t i = 0; i < 6; ++i) CHECK(shuffled[i] == doctest::Approx(plain[i % 2 * 3 + i / 2]));
  const std::string last_shape = initializer(integers_tensor("split", {1, 4, 6, 2, 3})) +
                                 initializer(integers_tensor("whole", {1, 4, 6, 6}));
  same_answers(
      answers(last_shape + node("Transpose", {"x"}, {"l"}, kLast) + node("Reshape", {"l", "split"}, {"s"}) +
                  node("Transpose", {"s"}, {"t"}, perm({0, 1, 2, 4, 3})) +
                  node("Reshape", {"t", "whole"}, {"u"}) + node("Transpose", {"u"}, {"z"}, kFirst) +
                  pooled("z"),
              {1, 6, 4, 6}),
      shuffled);
}

TEST_CASE("onnx: a value under two names is not changed for one of them") {
  // A linear layer's or convolution's bias, and a curve's gate, are merged only for a single reader.
  const std::string layer = floats_of("w", {3, 3, 1, 1}) + node("Conv", {"x", "w"}, {"c"}) +
                            initializer(floats_tensor("k", {3, 1, 1}, {1, -2, 3}));
  const std::string ends = node("Sub", {"a", "c"}, {"z"}) + pooled("z");
  const std::string cast = node("Cast", {"c"}, {"d"}, attribute("to", std::int64_t{1}));
  const Values shifted = answers(layer + cast + node("Add", {"d", "k"}, {"a"}) + ends);
  REQUIRE(shifted.size() == 3);
  for (std::size_t c = 0; c < 3; ++c) CHECK(shifted[c] == doctest::Approx(std::array{1, -2, 3}[c]));
  const std::string gate =
      node("Sigmoid", {"x"}, {"s"}) + node("Cast", {"s"}, {"t"}, attribute("to", std::int64_t{1}));
  same_answers(answers(gate + node("Mul", {"x", "t"}, {"m"}) + node("Add", {"m", "s"}, {"z"}) + pooled("z")),
               answers(node("Sigmoid", {"x"}, {"s"}) + node("Sigmoid", {"x"}, {"t"}) +
                       node("Mul", {"x", "t"}, {"m"}) + node("Add", {"m", "s"}, {"z"}) + pooled("z")));
  // In a cube every order of the axes has the same shape.
  const std::string turned = node("Transpose", {"x"}, {"l"}, kLast) + node("Sigmoid", {"x"}, {"s"});
  CHECK(says(refused_nodes(turned + node("Mul", {"l", "s"}, {"z"}) + pooled("z"), {1, 3, 3, 3}),
             "do not match"));
  CHECK(says(refused_nodes(turned + node("Add", {"l", "s"}, {"z"}) + pooled("z"), {1, 3, 3, 3}),
             "do not match"));
}

TEST_CASE("onnx: a slice that ends at a number of pixels depends on the input's size") {
  const auto sliced = [](std::int64_t end) {
    const std::string nodes = initializer(integers_tensor("from", {0})) +
                              initializer(integers_tensor("to", {end})) +
                              initializer(integers_tensor("axes", {2})) +
                              node("Slice", {"x", "from", "to", "axes"}, {"z"}) + pooled("z");
    return import_text(model(from_x_to_y(nodes, {1, 3, 0, 0}))).reads_its_size;
  };
  CHECK(sliced(224));
  CHECK_FALSE(sliced(std::numeric_limits<std::int64_t>::max()));
}

TEST_CASE("onnx: a linear layer reads one row per image, not what is left of planes") {
  const std::string means = node("ReduceMean", {"x"}, {"m"},
                                 attribute("axes", Numbers{1, 3}) + attribute("keepdims", std::int64_t{0}));
  CHECK(says(refused_nodes(means + floats_of("fc", {4, 2}) + node("Gemm", {"m", "fc"}, {"y"})),
             "one row of features per image"));
}

// ---- ends --------------------------------------------------------------------------------------------

TEST_CASE("onnx: a Softmax or Sigmoid at the end, whatever follows it without changing a number") {
  const std::string mean = node("GlobalAveragePool", {"x"}, {"p"});
  const std::string flat = mean + node("Flatten", {"p"}, {"f"});
  const auto activation = [](const std::string& nodes) {
    const OnnxNetwork network = import_text(model(from_x_to_y(nodes)));
    CHECK(network.graph.node(network.graph.output()).op.index() != Op(op::Curve{}).index());
    return network.activation;
  };
  const std::string shape = initializer(integers_tensor("s", {-1, 3}));
  for (const char* op : {"Softmax", "Sigmoid"}) {
    CAPTURE(op);
    const Activation expected = std::string(op) == "Softmax" ? Activation::softmax : Activation::sigmoid;
    const std::string classes = attribute("axis", std::int64_t{1});
    CHECK(activation(flat + node(op, {"f"}, {"s"}) + node("Identity", {"s"}, {"y"})) == expected);
    CHECK(activation(flat + node(op, {"f"}, {"s"}) +
                     node("Cast", {"s"}, {"y"}, attribute("to", std::int64_t{1}))) == expected);
    CHECK(activation(mean + node(op, {"p"}, {"q"}, classes) + node("Flatten", {"q"}, {"y"})) == expected);
    CHECK(activation(mean + node(op, {"p"}, {"y"}, classes)) == expected);
    CHECK(activation(mean + shape + node(op, {"p"}, {"q"}, classes) + node("Reshape", {"q", "s"}, {"y"})) ==
          expected);
  }
  CHECK(says(refused_nodes(flat + node("Softmax", {"f"}, {"y"}, attribute("axis", std::int64_t{0}))),
             "its axis 0"));
  CHECK(says(refused_nodes(mean + node("Softmax", {"p"}, {"y"}, attribute("axis", std::int64_t{2}))),
             "its axis 2"));
  CHECK(says(refused_nodes(node("Softmax", {"x"}, {"s"}, attribute("axis", std::int64_t{1})) + pooled("s")),
             "only at the end"));
}

TEST_CASE("onnx: nodes that the scores do not depend on, and a label beside them") {
  const std::string net = node("GlobalAveragePool", {"x"}, {"p"}) + node("Flatten", {"p"}, {"y"}) +
                          node("ArgMax", {"y"}, {"label"}) + node("NonMaxSuppression", {"y"}, {"boxes"});
  const std::string label = bytes(12, bytes(1, "label") + bytes(2, bytes(1, number(1, 7) + bytes(2, ""))));
  const std::string in = bytes(11, value_info("x", {1, 3, 4, 6}));
  const std::string scores_out = bytes(12, value_info("y", {1, 3}));
  for (const std::string& outputs : {scores_out + label, label + scores_out}) {
    const OnnxNetwork network = import_text(model(net + in + outputs));
    CHECK(network.graph.size() == 3);
    REQUIRE_FALSE(network.notes.empty());
    CHECK(says(network.notes[0], "using 'y'"));
  }
  CHECK(says(refused_graph(net + in + label), "'ArgMax'"));
}

TEST_CASE("onnx: casts between floats are none, casts to whole numbers are refused") {
  const auto cast = [](std::int64_t to) {
    return node("Cast", {"x"}, {"c"}, attribute("to", to)) + pooled("c");
  };
  same_answers(answers(cast(1)), answers(pooled("x")));
  same_answers(answers(cast(10)), answers(pooled("x")));
  for (const std::int64_t whole : {2, 3, 6, 7, 12}) CHECK(says(refused_nodes(cast(whole)), "integers"));
  CHECK(says(refused_nodes(cast(9)), "truth values"));
  const OnnxNetwork halves = import_text(model(from_x_to_y(cast(10))));
  REQUIRE(halves.notes.size() == 1);
  CHECK(says(halves.notes[0], "half precision"));
}

// ---- sizes -------------------------------------------------------------------------------------------

TEST_CASE("onnx: padding that depends on the input's size stays open") {
  const std::string same = attribute("auto_pad", std::string("SAME_UPPER"));
  const std::string strides = attribute("strides", Numbers{2, 2});
  const OnnxNetwork network = import_text(model(from_x_to_y(
      conv("x", "c", same + strides) +
          node("MaxPool", {"c"}, {"p"}, same + strides + attribute("kernel_shape", Numbers{3, 3})) +
          pooled("p"),
      {0, 3, 0, 0})));
  CHECK(network.input == Shape{1, 3, 224, 224});
  CHECK_FALSE(network.reads_its_size);
  const Graph& graph = network.graph;
  const auto& pads = std::get<op::Conv2d>(graph.node(1).op).padding;
  CHECK(pads == Padding(Padding::Kind::same_upper));
  // 9 rows: 5 outputs reach rows 0 to 10, so one row of zeros on each side; 8 rows: one below.
  CHECK(pads.at({9, 8}, {3, 3}, {2, 2}, {1, 1}) == Padding({1, 0}, {1, 1}));
  CHECK(Padding(Padding::Kind::same_lower).at({9, 8}, {3, 3}, {2, 2}, {1, 1}) == Padding({1, 1}, {1, 0}));
  CHECK(graph.infer_shapes({1, 3, 9, 8})[1] == Shape{1, 5, 5, 4});
}

TEST_CASE("onnx: what a file computes from its input's size is told") {
  // x / (the number of rows): other sizes give other numbers.
  const std::string rows = node("Shape", {"x"}, {"s"}) + initializer(integers_tensor("two", {2})) +
                           node("Gather", {"s", "two"}, {"n"}) +
                           node("Cast", {"n"}, {"h"}, attribute("to", std::int64_t{1}));
  const OnnxNetwork network =
      import_text(model(from_x_to_y(rows + node("Div", {"x", "h"}, {"z"}) + pooled("z"), {1, 3, 0, 0})));
  CHECK(network.reads_its_size);
  const auto& scale = std::get<op::BatchNorm>(network.graph.node(1).op);
  CHECK(scale.weight.to_tensor()[0] == doctest::Approx(1.0 / 224));
}

TEST_CASE("onnx: inputs of one or any number of channels, oblong or not") {
  for (const Numbers& shape : {Numbers{1, 1, 28, 28}, {0, 1, 20, 30}, {1, 4, 9, 7}, {1, 13, 16, 16}}) {
    CAPTURE(to_string(shape));
    CHECK(answers(pooled("x"), shape).size() == static_cast<std::size_t>(shape[1]));
  }
  CHECK(says(refused_nodes(pooled("x"), {1, 0, 8, 8}), "number of channels open"));
}

// ---- constants ---------------------------------------------------------------------------------------

TEST_CASE("onnx: constants keep their shapes through Reshape, Unsqueeze, Squeeze, Transpose and arithmetic") {
  const Values plain = answers(initializer(floats_tensor("k", {3, 1, 1}, {1, -2, 3})) +
                               node("Add", {"x", "k"}, {"z"}) + pooled("z"));
  const std::string k = initializer(floats_tensor("raw", {3}, {1, -2, 3}));
  const std::string sum = node("Add", {"x", "k"}, {"z"}) + pooled("z");
  for (const Numbers& shape : {Numbers{1, 3, 1, 1}, {3, 1, 1}, {1, -1, 1, 1}, {-1, 1, 1}, {0, 1, 1}}) {
    CAPTURE(to_string(shape));
    same_answers(
        answers(k + initializer(integers_tensor("s", shape)) + node("Reshape", {"raw", "s"}, {"k"}) + sum),
        plain);
  }
  same_answers(answers(k + node("Unsqueeze", {"raw"}, {"k"}, attribute("axes", Numbers{1, 2})) + sum,
                       {1, 3, 4, 6}, 11),
               plain);
  same_answers(answers(k + initializer(integers_tensor("a", {0, 2, 3})) +
                       node("Unsqueeze", {"raw", "a"}, {"k"}) + sum),
               plain);
  same_answers(answers(initializer(floats_tensor("raw", {1, 1, 1, 3}, {1, -2, 3})) +
                       node("Transpose", {"raw"}, {"k"}, kFirst) + sum),
               plain);
  same_answers(answers(initializer(floats_tensor("raw", {1, 1, 3, 1, 1}, {1, -2, 3})) +
                       initializer(integers_tensor("a", {0})) + node("Squeeze", {"raw", "a"}, {"k"}) + sum),
               plain);
  same_answers(answers(initializer(floats_tensor("a", {3, 1, 1}, {2, -1, 4})) +
                       initializer(floats_tensor("b", {1}, {1})) + node("Sub", {"a", "b"}, {"k"}) + sum),
               plain);
  // Aligned with the last axis, three numbers are columns, not channels.
  CHECK(says(refused_nodes(k + node("Add", {"x", "raw"}, {"z"}) + pooled("z"), {1, 3, 4, 3}),
             "one per channel"));
}

// ---- names -------------------------------------------------------------------------------------------

TEST_CASE("onnx: names from the scopes of PyTorch's newer exporter") {
  CHECK(layer_name_of_scopes("['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']", "Conv") ==
        "layer1.0.conv1");
  CHECK(layer_name_of_scopes("['', 'layer1', 'layer1.0', 'add']", "Add") == "layer1.0.add");
  CHECK(layer_name_of_scopes("[\"\", \"features\", \"features.16\", \"relu\"]", "Relu") == "features.16");
  CHECK(layer_name_of_scopes("['', 'view']", "Flatten") == "flatten");
  CHECK(layer_name_of_scopes("", "Conv") == "");
  CHECK(layer_name_of_scopes("['", "Conv") == "");
  CHECK(layer_name_of_scopes("[''", "Conv") == "");
}

TEST_CASE("onnx: a container has a name only where the file tells its last layer") {
  const auto scoped = [](const std::string& op, const std::string& from, const std::string& to,
                         const std::string& name) { return node(op, {from}, {to}, "", name); };
  const std::string end = scoped("GlobalAveragePool", "r", "p", "/pool/GlobalAveragePool") +
                          scoped("Flatten", "p", "y", "/Flatten");
  const auto graph = [&](const std::string& nodes) {
    return import_text(model(from_x_to_y(nodes + end))).graph;
  };
  const std::string first = scoped("Relu", "x", "a", "/block/block.0/Relu");
  CHECK(graph(first + scoped("Relu", "a", "r", "/block/block.1/Relu")).contains("block"));
  // An unnamed node behind it may be the block's last, one inside it too.
  CHECK_FALSE(graph(first + scoped("Relu", "a", "r", "")).contains("block"));
  CHECK_FALSE(graph(first + scoped("Relu", "a", "m", "") + scoped("Relu", "m", "r", "/block/block.1/Relu"))
                  .contains("block"));
  // Names of convolutions from their weights do not tell what follows.
  const std::string weight = floats_of("block.0.weight", {3, 3, 1, 1});
  const Graph plain =
      graph(weight + node("Conv", {"x", "block.0.weight"}, {"c"}) + scoped("Relu", "c", "r", ""));
  CHECK(plain.contains("block.0"));
  CHECK_FALSE(plain.contains("block"));
}

TEST_CASE("onnx: what a network is, where it is no convolutional classifier") {
  const std::string shape = initializer(integers_tensor("s", {1, 3, 24}));
  CHECK(says(refused_nodes(node("Softmax", {"x"}, {"w"}) + node("MatMul", {"w", "x"}, {"m"}) + pooled("m")),
             "attention is not supported yet"));
  CHECK(says(refused_nodes(node("LSTM", {"x"}, {"y"})), "recurrent"));
  CHECK(says(refused_nodes(node("QLinearConv", {"x"}, {"y"})), "quantized"));
  CHECK(says(refused_nodes(node("NonMaxSuppression", {"x"}, {"y"})), "detector"));
  CHECK(says(refused_nodes(node("Resize", {"x"}, {"y"})), "enlarges its planes"));
  CHECK(says(refused_nodes(shape + node("Reshape", {"x", "s"}, {"r"}) + node("Relu", {"r"}, {"y"})),
             "positions"));
}
