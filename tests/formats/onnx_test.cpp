#include "formats/onnx/onnx.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <doctest/doctest.h>

#include "base/files.hpp"
#include "formats/import_text.hpp"
#include "formats/onnx/import.hpp"
#include "support/reference_run.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;
using namespace ablaze::testing::onnx;

namespace {

std::string refused_file(const std::string& file) {
  return message_of([&] { import_text(file); });
}

/// The scores for x = 0, 1/8, 2/8, ...
Values scores(const std::string& nodes, const std::vector<std::int64_t>& shape = {1, 3, 4, 6},
              std::int64_t opset = 13) {
  const OnnxNetwork network = import_text(model(from_x_to_y(nodes, shape), opset));
  Values x(static_cast<std::size_t>(element_count(network.input)));
  std::iota(x.begin(), x.end(), 0.0);
  for (double& v : x) v = v / 8 - 1;
  return ReferenceRun(network.graph, network.input, x).output();
}

/// Numbers -1, -0.75, ..., repeated cyclically.
std::vector<float> counted(std::int64_t count) {
  std::vector<float> result;
  for (std::int64_t i = 0; i < count; ++i) result.push_back(static_cast<float>(i % 9) / 4 - 1);
  return result;
}

/// The mean of each plane of x, with x as in scores().
Values means(const std::vector<int>& channels, double scale = 1, double shift = 0) {
  Values result;
  for (const int c : channels) result.push_back(c < 0 ? 0 : ((c * 24 + 11.5) / 8 - 1) * scale + shift);
  return result;
}

/// The mean of f(x) over each plane.
template <class F>
Values means_of(F f) {
  Values result(3, 0);
  for (std::size_t i = 0; i < 72; ++i) result[i / 24] += f(static_cast<double>(i) / 8 - 1) / 24;
  return result;
}

void check_close(const Values& found, const Values& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-9));
}

}  // namespace

TEST_CASE("onnx: a convolution, a pool and a linear layer, by hand") {
  const std::string nodes =
      initializer(floats_tensor("w", {2, 3, 3, 3}, counted(54))) +
      initializer(floats_tensor("b", {2}, {1, -1})) + initializer(floats_tensor("fc", {2, 4}, counted(8))) +
      node("Conv", {"x", "w", "b"}, {"c"},
           attribute("pads", std::vector<std::int64_t>{1, 1, 1, 1}) +
               attribute("strides", std::vector<std::int64_t>{2, 3}),
           "/features/features.0/Conv") +
      node("Relu", {"c"}, {"r"}, "", "/features/features.1/Relu") +
      node("MaxPool", {"r"}, {"p"},
           attribute("kernel_shape", std::vector<std::int64_t>{1, 2}) +
               attribute("strides", std::vector<std::int64_t>{1, 2}),
           "/features/features.2/MaxPool") +
      node("Flatten", {"p"}, {"f"}, "", "/Flatten") +
      node("Gemm", {"f", "fc"}, {"y"}, attribute("transB", std::int64_t{1}), "/classifier/Gemm");
  const OnnxNetwork network = import_text(model(from_x_to_y(nodes)));
  CHECK(network.input == Shape{1, 3, 4, 6});
  CHECK(network.graph.infer_shapes({1, 3, 4, 6}).back() == Shape{1, 2});
  for (const char* name : {"features.0", "features.1", "features.2", "flatten", "classifier", "features"})
    CHECK(network.graph.contains(name));
  CHECK(network.graph.node(network.graph.find("features")).name == "features.2");
  const auto& conv = std::get<op::Conv2d>(network.graph.node(network.graph.find("features.0")).op);
  CHECK(conv.stride == std::array{2, 3});
  CHECK(conv.padding == Padding(1, 1));
  CHECK(values(conv.bias) == std::vector<float>{1, -1});
}

TEST_CASE("onnx: layers are called what the exporter's scopes call them") {
  CHECK(layer_name("/layer4/layer4.1/conv2/Conv", "Conv") == "layer4.1.conv2");
  CHECK(layer_name("/layer1/layer1.0/relu_1/Relu", "Relu") == "layer1.0.relu_1");
  CHECK(layer_name("/layer1/layer1.0/Add", "Add") == "layer1.0.add");
  CHECK(layer_name("/features/features.3/conv/conv.1/conv.1.0/Conv", "Conv") == "features.3.conv.1.0");
  CHECK(layer_name("/layer2/layer2.0/downsample/downsample.0/Conv", "Conv") == "layer2.0.downsample.0");
  CHECK(layer_name("/Flatten", "Flatten") == "flatten");
  CHECK(layer_name("/conv1/Conv", "Conv") == "conv1");
  CHECK(layer_name("Conv_17", "Conv") == "");
  CHECK(layer_name("/a b/\x1b[2J/Conv", "Conv") == "a_b.__2J");
  CHECK(layer_name("/" + std::string(1000, 'a') + "/Conv", "Conv").size() == 200);
}

TEST_CASE("onnx: a call in a module's midst does not take the module's name") {
  const OnnxNetwork network = import_text(model(
      from_x_to_y(node("AveragePool", {"x"}, {"p"},
                       attribute("kernel_shape", std::vector<std::int64_t>{1, 1}), "/mixed/AveragePool") +
                  node("Relu", {"p"}, {"r"}, "", "/mixed/branch/Relu") +
                  node("Concat", {"r", "p"}, {"z"}, attribute("axis", std::int64_t{1}), "/mixed/Concat") +
                  node("GlobalAveragePool", {"z"}, {"g"}, "", "/avgpool/GlobalAveragePool") +
                  node("Flatten", {"g"}, {"y"}, "", "/Flatten"))));
  const Graph& graph = network.graph;
  CHECK(graph.node(graph.find("mixed")).name.starts_with("mixed.concat"));
  CHECK(op_name(graph.node(graph.find("mixed.avgpool2d")).op) == "AvgPool2d");
  CHECK(graph.contains("mixed.branch"));
}

TEST_CASE("onnx: sums, constants by channel, clips and leaky ReLUs") {
  check_close(scores(pooled("x")), means({0, 1, 2}));
  const std::string by_channel = initializer(floats_tensor("k", {3, 1, 1}, {1, -2, 3}));
  const std::string scalar = initializer(floats_tensor("k", {}, {0.5F}));
  check_close(scores(scalar + node("Mul", {"x", "k"}, {"m"}) + pooled("m")), means({0, 1, 2}, 0.5));
  check_close(scores(scalar + node("Div", {"x", "k"}, {"m"}) + pooled("m")), means({0, 1, 2}, 2));
  check_close(scores(scalar + node("Sub", {"k", "x"}, {"m"}) + pooled("m")), means({0, 1, 2}, -1, 0.5));
  const Values plain = means({0, 1, 2});
  check_close(scores(by_channel + node("Add", {"k", "x"}, {"m"}) + pooled("m")),
              {plain[0] + 1, plain[1] - 2, plain[2] + 3});
  check_close(scores(node("Add", {"x", "x"}, {"m"}) + pooled("m")), means({0, 1, 2}, 2));
  check_close(scores(node("Sub", {"x", "x"}, {"m"}) + pooled("m")), {0, 0, 0});
  check_close(scores(node("Sum", {"x", "x", "x"}, {"m"}) + pooled("m")), means({0, 1, 2}, 3));

  // x of the first plane goes from -1 to 1.875 in steps of 1/8.
  double clipped = 0, leaked = 0;
  for (int i = 0; i < 24; ++i) {
    const double x = i / 8.0 - 1;
    clipped += std::min(std::max(x, -0.25), 1.0) / 24;
    leaked += (x > 0 ? x : 0.25 * x) / 24;
  }
  const std::string bounds =
      initializer(floats_tensor("low", {}, {-0.25F})) + initializer(floats_tensor("high", {}, {1}));
  CHECK(scores(bounds + node("Clip", {"x", "low", "high"}, {"m"}) + pooled("m"))[0] ==
        doctest::Approx(clipped));
  CHECK(scores(node("Clip", {"x"}, {"m"}, attribute("min", -0.25F) + attribute("max", 1.0F)) + pooled("m"),
               {1, 3, 4, 6}, 9)[0] == doctest::Approx(clipped));
  CHECK(scores(node("LeakyRelu", {"x"}, {"m"}, attribute("alpha", 0.25F)) + pooled("m"))[0] ==
        doctest::Approx(leaked));
}

TEST_CASE("onnx: curves of every kind, written as exporters write them") {
  const auto check = [](const std::string& nodes, auto&& f, std::int64_t opset = 13) {
    check_close(scores(nodes + pooled("z"), {1, 3, 4, 6}, opset), means_of(f));
  };
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const auto between = [](double x, double low, double high) { return std::min(std::max(x, low), high); };
  check(node("Sigmoid", {"x"}, {"z"}), sigmoid);
  check(node("HardSigmoid", {"x"}, {"z"}), [&](double x) { return between(0.2F * x + 0.5, 0, 1); });
  check(
      node("HardSwish", {"x"}, {"z"}), [&](double x) { return x * between(x / 6 + 0.5, 0, 1); }, 14);
  check(node("Sigmoid", {"x"}, {"s"}) + node("Mul", {"x", "s"}, {"z"}),
        [&](double x) { return x * sigmoid(x); });
  check(node("HardSigmoid", {"x"}, {"s"}, attribute("alpha", 1.0F / 6)) + node("Mul", {"s", "x"}, {"z"}),
        [&](double x) { return x * between(x / 6 + 0.5, 0, 1); });
  const std::string low = initializer(floats_tensor("low", {}, {0.25F})),
                    high = initializer(floats_tensor("high", {}, {2}));
  check(low + node("Clip", {"x", "low"}, {"z"}), [](double x) { return std::max(x, 0.25); });
  check(high + node("Clip", {"x", "", "high"}, {"z"}), [](double x) { return std::min(x, 2.0); });
  check(node("Clip", {"x"}, {"z"}), [](double x) { return x; });
  check(high + node("Pow", {"x", "high"}, {"z"}), [](double x) { return x * x; });
  check(node("Mul", {"x", "x"}, {"s"}) + node("Sqrt", {"s"}, {"z"}), [](double x) { return std::abs(x); });
}

TEST_CASE("onnx: one curve for a module that is exported as two operators, under the module's name") {
  const OnnxNetwork network = import_text(
      model(from_x_to_y(node("Sigmoid", {"x"}, {"s"}, "", "/features/features.1/Sigmoid") +
                        node("Mul", {"x", "s"}, {"z"}, "", "/features/features.1/Mul") + pooled("z"))));
  CHECK(op_name(network.graph.node(network.graph.find("features.1")).op) == "SiLU");
  CHECK(network.graph.size() == 4);
}

TEST_CASE("onnx: products and quotients of activations") {
  const std::string mean = node("GlobalAveragePool", {"x"}, {"m"});
  const Values plain = means({0, 1, 2});
  Values squares;
  for (const double m : plain) squares.push_back(m * m);
  check_close(scores(mean + node("Mul", {"x", "m"}, {"z"}) + pooled("z")), squares);
  check_close(scores(mean + node("Mul", {"m", "x"}, {"z"}) + pooled("z")), squares);
  check_close(scores(mean + node("Div", {"x", "m"}, {"z"}) + pooled("z")), {1, 1, 1});
  check_close(scores(mean + node("Mul", {"x", "x"}, {"s"}) + node("Div", {"s", "x"}, {"z"}) + pooled("z")),
              plain);
  const std::string two = initializer(floats_tensor("two", {}, {2}));
  check_close(scores(two + mean + node("Div", {"two", "m"}, {"z"}) + node("Flatten", {"z"}, {"y"})),
              {2 / plain[0], 2 / plain[1], 2 / plain[2]});
  // One number per pixel: the first channel multiplies all channels.
  const std::string first =
      initializer(integers_tensor("from", {0})) + initializer(integers_tensor("to", {1}));
  const Values weighed = scores(first + initializer(integers_tensor("axis", {1})) +
                                node("Slice", {"x", "from", "to", "axis"}, {"w"}) +
                                node("Mul", {"x", "w"}, {"z"}) + pooled("z"));
  CHECK(weighed[0] == doctest::Approx(means_of([](double x) { return x * x; })[0]));
}

TEST_CASE("onnx: squeeze and excitation by linear layers, with the axes of an old opset and of a new one") {
  const std::string weights = initializer(floats_tensor("w", {3, 3}, {0.5F, 0, 0, 0, 1, 0, 0, 0, 2}));
  const std::string squeeze = weights + node("GlobalAveragePool", {"x"}, {"m"}) +
                              node("Flatten", {"m"}, {"f"}) + node("Gemm", {"f", "w"}, {"g"});
  const std::string weigh = node("Mul", {"x", "u"}, {"z"}) + pooled("z");
  const Values plain = means({0, 1, 2});
  const Values expected{plain[0] * plain[0] / 2, plain[1] * plain[1], plain[2] * plain[2] * 2};
  const std::string attributes =
      node("Unsqueeze", {"g"}, {"u"}, attribute("axes", std::vector<std::int64_t>{2, 3}));
  check_close(scores(squeeze + attributes + weigh, {1, 3, 4, 6}, 11), expected);
  const std::string inputs =
      initializer(integers_tensor("axes", {2, 3})) + node("Unsqueeze", {"g", "axes"}, {"u"});
  check_close(scores(squeeze + inputs + weigh, {1, 3, 4, 6}, 21), expected);
  const std::string shape =
      initializer(integers_tensor("shape", {1, 3, 1, 1})) + node("Reshape", {"g", "shape"}, {"u"});
  check_close(scores(squeeze + shape + weigh), expected);
}

TEST_CASE("onnx: local response normalisation") {
  const Values found = scores(node("LRN", {"x"}, {"z"},
                                   attribute("size", std::int64_t{2}) + attribute("alpha", 0.5F) +
                                       attribute("beta", 0.5F) + attribute("bias", 2.0F)) +
                              pooled("z"));
  Values expected(3, 0);
  const auto x = [](int c, int i) { return c > 2 ? 0 : (c * 24 + i) / 8.0 - 1; };
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < 24; ++i) {
      const double squares = x(c, i) * x(c, i) + x(c + 1, i) * x(c + 1, i);
      expected[c] += x(c, i) / std::sqrt(2 + 0.25 * squares) / 24;
    }
  }
  check_close(found, expected);
}

TEST_CASE("onnx: channels are concatenated, split, sliced, padded and shuffled") {
  const auto list = [](const char* name, const std::vector<std::int64_t>& numbers) {
    return initializer(integers_tensor(name, numbers));
  };
  check_close(scores(node("Concat", {"x", "x"}, {"m"}, attribute("axis", std::int64_t{1})) + pooled("m")),
              means({0, 1, 2, 0, 1, 2}));
  check_close(
      scores(list("s", {1, 2}) + node("Split", {"x", "s"}, {"a", "b"}, attribute("axis", std::int64_t{1})) +
             node("Concat", {"b", "a"}, {"m"}, attribute("axis", std::int64_t{-3})) + pooled("m")),
      means({1, 2, 0}));
  check_close(scores(list("from", {1}) + list("to", {1000}) + list("axis", {1}) +
                     node("Slice", {"x", "from", "to", "axis"}, {"m"}) + pooled("m")),
              means({1, 2}));
  check_close(scores(list("p", {0, 1, 0, 0, 0, 2, 0, 0}) + node("Pad", {"x", "p"}, {"m"}) + pooled("m")),
              means({-1, 0, 1, 2, -1, -1}));
  // ShuffleNet's: [1, 6, 2, 2] -> [1, 2, 3, 2, 2] -> [1, 3, 2, 2, 2] -> [1, 6, 2, 2]
  const Values shuffled = scores(
      list("five", {1, 2, 3, 2, 2}) + list("four", {1, -1, 2, 2}) + node("Reshape", {"x", "five"}, {"a"}) +
          node("Transpose", {"a"}, {"b"}, attribute("perm", std::vector<std::int64_t>{0, 2, 1, 3, 4})) +
          node("Reshape", {"b", "four"}, {"m"}) + pooled("m"),
      {1, 6, 2, 2});
  Values expected;
  for (const int c : {0, 3, 1, 4, 2, 5}) expected.push_back((c * 4 + 1.5) / 8 - 1);
  check_close(shuffled, expected);
}

TEST_CASE("onnx: every second pixel, and zeros around the planes") {
  const auto list = [](const char* name, const std::vector<std::int64_t>& numbers) {
    return initializer(integers_tensor(name, numbers));
  };
  const std::string strided = list("from", {0, 0}) + list("to", {9, 9}) + list("axes", {2, 3}) +
                              list("steps", {2, 2}) +
                              node("Slice", {"x", "from", "to", "axes", "steps"}, {"m"}) + pooled("m");
  Values expected;
  for (int c = 0; c < 3; ++c) expected.push_back((c * 24 + (0 + 2 + 4 + 12 + 14 + 16) / 6.0) / 8 - 1);
  check_close(scores(strided), expected);

  // Asymmetric padding of a convolution, compared with explicit zeros in a map.
  const std::string weights = initializer(floats_tensor("w", {2, 3, 2, 3}, counted(36)));
  const std::string uneven =
      weights + node("Conv", {"x", "w"}, {"m"}, attribute("pads", std::vector<std::int64_t>{0, 2, 1, 1})) +
      pooled("m");
  const std::string padded = weights + list("p", {0, 0, 0, 2, 0, 0, 1, 1}) + node("Pad", {"x", "p"}, {"z"}) +
                             node("Conv", {"z", "w"}, {"m"}) + pooled("m");
  check_close(scores(uneven), scores(padded));
  double first = 0;  // by hand: the mean over 4 x 7 outputs of filter 0
  const std::vector<float> w = counted(36);
  for (int p = 0; p < 4; ++p) {
    for (int q = 0; q < 7; ++q) {
      for (int c = 0; c < 3; ++c) {
        for (int r = 0; r < 2; ++r) {
          for (int s = 0; s < 3; ++s) {
            const int y = p + r, x = q + s - 2;
            if (y >= 4 || x < 0 || x >= 6) continue;
            first += static_cast<double>(w[(c * 2 + r) * 3 + s]) * ((c * 24 + y * 6 + x) / 8.0 - 1) / 28;
          }
        }
      }
    }
  }
  CHECK(scores(uneven)[0] == doctest::Approx(first));
}

TEST_CASE("onnx: what depends on shapes alone is computed at once") {
  const std::string chain = initializer(integers_tensor("zero", {0})) +
                            initializer(integers_tensor("minus", {-1})) +
                            node("GlobalAveragePool", {"x"}, {"p"}) + node("Shape", {"p"}, {"s"}) +
                            node("Gather", {"s", "zero"}, {"n"}) +
                            node("Concat", {"n", "minus"}, {"t"}, attribute("axis", std::int64_t{0})) +
                            node("Reshape", {"p", "t"}, {"y"});
  check_close(scores(chain), means({0, 1, 2}));
  check_close(scores(node("ReduceMean", {"x"}, {"m"}, attribute("axes", std::vector<std::int64_t>{-1, -2})) +
                         node("Squeeze", {"m"}, {"y"}, attribute("axes", std::vector<std::int64_t>{2, 3})),
                     {1, 3, 4, 6}, 11),
              means({0, 1, 2}));
  check_close(scores(node("ReduceMean", {"x"}, {"y"},
                          attribute("axes", std::vector<std::int64_t>{2, 3}) +
                              attribute("keepdims", std::int64_t{0}))),
              means({0, 1, 2}));
}

TEST_CASE("onnx: a head's activation is taken off and told") {
  const OnnxNetwork softmax =
      import_text(model(from_x_to_y(node("GlobalAveragePool", {"x"}, {"p"}) + node("Flatten", {"p"}, {"f"}) +
                                    node("Softmax", {"f"}, {"y"}))));
  CHECK(softmax.activation == Activation::softmax);
  const OnnxNetwork sigmoid =
      import_text(model(from_x_to_y(node("GlobalAveragePool", {"x"}, {"p"}) + node("Flatten", {"p"}, {"f"}) +
                                    node("Sigmoid", {"f"}, {"y"}))));
  CHECK(sigmoid.activation == Activation::sigmoid);
  CHECK(op_name(sigmoid.graph.node(sigmoid.graph.output()).op) == "Flatten");
}

TEST_CASE("onnx: what cannot be expressed is refused by its operator's name") {
  CHECK(
      says(refused_nodes(node("Einsum", {"x"}, {"y"}, "", "/act/Einsum")), "'Einsum' (node '/act/Einsum')"));
  CHECK(says(refused_nodes(node("Transpose", {"x"}, {"t"}) + node("Einsum", {"t"}, {"e"}) +
                           node("InstanceNormalization", {"e"}, {"y"})),
             "'Einsum' (node ''): none of the operators 'Einsum' and 'InstanceNormalization' is supported"));
  CHECK(
      says(refused_nodes(bytes(1, bytes(1, "x") + bytes(2, "y") + bytes(4, "Fancy") + bytes(7, "com.acme"))),
           "of the domain 'com.acme'"));
  CHECK(says(refused_nodes(node("Softmax", {"x"}, {"z"}) + pooled("z")), "'Softmax'"));
  CHECK(says(refused_nodes(node("GlobalAveragePool", {"x"}, {"m"}) + node("Flatten", {"m"}, {"f"}) +
                           node("Mul", {"x", "f"}, {"y"})),
             "do not match"));
  CHECK(says(refused_nodes(node("LRN", {"x"}, {"y"})), "its size"));
  CHECK(says(refused_nodes(bytes(1, bytes(1, "x") + bytes(2, "y") + bytes(4, "If") +
                                        bytes(5, bytes(1, "then_branch") + bytes(6, "")))),
             "control flow"));
  CHECK(says(refused_nodes(node("Relu", {"nothing"}, {"y"})), "no earlier node computes"));
  CHECK(says(refused_nodes(node("Relu", {"x"}, {"y"})), "it is not a classifier"));
  CHECK(says(refused_nodes(node("Relu", {"x"}, {"z"})), "no such value"));
  CHECK(says(refused_nodes(node("Relu", {"x"}, {"x"}) + node("Relu", {"x"}, {"y"})), "a second time"));
  CHECK(says(refused_nodes(initializer(floats_tensor("w", {2, 5, 3, 3}, counted(90))) +
                           node("Conv", {"x", "w"}, {"y"})),
             "made for 5 x 1 input channels"));
  CHECK(says(refused_file(model(from_x_to_y(pooled("x")), 6)), "opset 6"));
  CHECK(says(refused_file(model(from_x_to_y(pooled("x")), 99)), "opset 99"));
  CHECK(says(refused_file(model(from_x_to_y(pooled("x"), {1, 3}))), "N x C x H x W"));
  CHECK(says(refused_file(number(1, 7) + bytes(2, "test")), "no graph"));
}

TEST_CASE("onnx: tensors must be as large as their shape says") {
  const auto tensor_of = [](const std::string& content) {
    return refused_file(model(from_x_to_y(initializer(content) + pooled("x"))));
  };
  CHECK(tensor_of(floats_tensor("w", {2}, {1, 2})).empty());
  CHECK(says(tensor_of(floats_tensor("w", {3}, {1, 2})), "takes 12 bytes, not 8"));
  const std::int64_t huge = std::int64_t{1} << 61;
  CHECK(says(tensor_of(floats_tensor("w", {huge, huge}, {})), "invalid shape"));
  CHECK(says(tensor_of(floats_tensor("w", {-1}, {})), "invalid shape"));
  CHECK(says(tensor_of(number(1, 1) + number(2, 8) + bytes(8, "w")), "type 8"));
  CHECK(says(tensor_of(number(1, 4) + number(2, 1) + bytes(8, "w") + real(4, 1)), "has 1 numbers"));
  CHECK(says(tensor_of(number(1, 1) + number(2, 1) + bytes(8, "w") + number(14, 1)), "without a name"));
}

TEST_CASE("onnx: numbers in a file of their own, in the same folder alone") {
  const TemporaryDirectory folder;
  const auto external = [](const std::string& location, const std::string& offset,
                           const std::string& length) {
    const auto entry = [](const std::string& key, const std::string& value) {
      return bytes(13, bytes(1, key) + bytes(2, value));
    };
    return initializer(number(1, 3) + number(2, 1) + bytes(8, "k") + entry("location", location) +
                       entry("offset", offset) + entry("length", length) + number(14, 1));
  };
  base::write_file(folder / "weights.bin", floats({9, 1, 2, 3, 9}));
  const auto opened = [&](const std::string& tensor) {
    const std::string graph = from_x_to_y(tensor + node("GlobalAveragePool", {"x"}, {"p"}) +
                                          node("Flatten", {"p"}, {"f"}) + node("Mul", {"f", "k"}, {"y"}));
    base::write_file(folder / "model.onnx", model(graph));
    const auto mapped = base::MappedFile::open(folder / "model.onnx");
    return import_onnx(parse_onnx(mapped->bytes(), mapped, externals_beside(folder / "model.onnx"), "model"),
                       "model");
  };
  const OnnxNetwork network = opened(external("weights.bin", "4", "12"));
  const auto& scale = std::get<op::BatchNorm>(network.graph.node(network.graph.output()).op);
  CHECK(values(scale.weight) == std::vector<float>{1, 2, 3});
  const auto refusal_of = [&](const std::string& tensor) { return message_of([&] { opened(tensor); }); };
  CHECK(says(refusal_of(external("weights.bin", "12", "12")), "should be at byte 12"));
  CHECK(says(refusal_of(external("weights.bin", "4", "8")), "takes 12 bytes, but has 8"));
  CHECK(says(refusal_of(external("weights.bin", "-4", "12")), "expected a number"));
  CHECK(says(refusal_of(external("../weights.bin", "4", "12")), "only files in its own folder"));
  CHECK(says(refusal_of(external("/etc/hostname", "0", "12")), "only files in its own folder"));
  CHECK(says(refusal_of(external("missing.bin", "0", "12")), "missing.bin"));
}

TEST_CASE("onnx: a message that is cut short or no message is refused") {
  const std::string whole = model(from_x_to_y(pooled("x")));
  CHECK(refused_file(whole).empty());
  for (std::size_t size = 4; size < whole.size(); ++size)
    CHECK_FALSE(refused_file(whole.substr(0, size)).empty());
  CHECK(says(refused_file("\x08\x07\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), "ends too early"));
  CHECK(says(refused_file(std::string(12, '\xff')), "does not end"));
  CHECK(says(refused_file(std::string("\x00\x01", 2)), "the number 0"));
  CHECK(says(refused_file("\x0b"), "unknown kind 3"));
}
