// ONNX files as models: what their inputs expect, and small files of several writers with ONNX Runtime's
// answers.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <ablaze/activation.hpp>
#include <ablaze/model.hpp>
#include <ablaze/session.hpp>

#include "base/files.hpp"
#include "formats/onnx_builder.hpp"
#include "support/relative_error.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::testing;
using namespace ablaze::testing::onnx;
namespace fs = std::filesystem;

namespace {

/// x[j] = ((j * 2654435761) mod 2^32) / 2^32 * 4 - 2: the input of tests/data/onnx/expected.json.
std::vector<double> hashed(std::int64_t count) {
  std::vector<double> x;
  for (std::int64_t j = 0; j < count; ++j) {
    const auto hash = static_cast<std::uint32_t>(static_cast<std::uint64_t>(j) * 2654435761U);
    x.push_back(static_cast<double>(hash) / 4294967296.0 * 4 - 2);
  }
  return x;
}

/// Of N x H x W x C where the file has it so.
Tensor input_of(const Shape& shape, std::int64_t channels) {
  const std::vector<double> x = hashed(element_count(shape));
  const bool last = shape[1] != channels;
  Tensor input(last ? Shape{1, shape[3], shape[1], shape[2]} : shape);
  for (std::int64_t i = 0; i < input.size(); ++i) {
    const std::int64_t area = input.dim(2) * input.dim(3);
    input[i] = static_cast<float>(x[last ? i % area * channels + i / area : i]);
  }
  return input;
}

std::vector<double> answer(const Model& model, const Tensor& input) {
  SessionOptions options;
  options.input = input.shape();
  const Tensor logits = Session(model.graph, options).run(input).logits();
  return {logits.values().begin(), logits.values().end()};
}

std::vector<double> shares_of(const std::vector<double>& logits, Activation activation) {
  const std::vector<float> narrow(logits.begin(), logits.end());
  const auto shares = probabilities(narrow, activation);
  return {shares.begin(), shares.end()};
}

bool mentions(const Model& model, const std::string& part) {
  return std::ranges::any_of(model.notes,
                             [&](const auto& note) { return note.find(part) != std::string::npos; });
}

Model opened(const std::string& graph) {
  const TemporaryDirectory folder;
  base::write_file(folder / "model.onnx", model(graph));
  return load_model((folder / "model.onnx").string());
}

std::string input_info(const std::vector<std::int64_t>& shape, std::int64_t type) {
  std::string dims;
  for (const std::int64_t n : shape) dims += bytes(1, n > 0 ? number(1, n) : bytes(2, "open"));
  return bytes(11, bytes(1, "x") + bytes(2, bytes(1, number(1, type) + bytes(2, dims))));
}

/// A classifier of three classes behind `from`.
std::string pooled(const std::string& from, std::int64_t channels = 3) {
  return initializer(floats_tensor("w", {3, channels, 1, 1},
                                   std::vector<float>(static_cast<std::size_t>(3 * channels), 0.5F))) +
         node("Conv", {from, "w"}, {"c"}) + node("Relu", {"c"}, {"r"}) +
         node("GlobalAveragePool", {"r"}, {"p"}) + node("Flatten", {"p"}, {"y"}) +
         bytes(12, value_info("y", {1, 3}));
}

}  // namespace

TEST_CASE("onnx: small files of many writers give ONNX Runtime's answers") {
  const fs::path folder = fs::path(ABLAZE_SOURCE_DIR) / "tests/data/onnx";
  const auto mapped = base::MappedFile::open(folder / "expected.json");
  const std::string text(reinterpret_cast<const char*>(mapped->bytes().data()), mapped->bytes().size());
  const nlohmann::json expected = nlohmann::json::parse(text);
  CHECK(expected.size() == 17);
  for (const auto& item : expected.items()) {
    const std::string& file = item.key();
    const nlohmann::json& cases = item.value();
    CAPTURE(file);
    const Model model = load_model((folder / file).string());
    for (const nlohmann::json& one : cases) {
      const Tensor input = input_of(one["shape"].get<Shape>(), model.input_shape()[1]);
      std::vector<double> found = answer(model, input);
      const auto wanted = one["output"].get<std::vector<double>>();
      const double sum = std::accumulate(wanted.begin(), wanted.end(), 0.0);
      if (std::abs(sum - 1) < 1e-4 && std::ranges::all_of(wanted, [](double p) { return p >= 0; }))
        found = shares_of(found, model.activation);
      CHECK(relative_error(found, wanted) < 5e-6);
    }
  }
}

TEST_CASE("onnx: layers have the names of the module, and a container is its last layer") {
  const fs::path folder = fs::path(ABLAZE_SOURCE_DIR) / "tests/data/onnx";
  const Graph graph = load_model((folder / "dynamo_resnet.onnx").string()).graph;
  CHECK(op_name(graph.node(graph.find("layer1.0.conv2")).op) == "Conv2d");
  CHECK(op_name(graph.node(graph.find("layer1.0.add")).op) == "Add");
  for (const char* container : {"layer1", "layer1.0"})
    CHECK(op_name(graph.node(graph.find(container)).op) == "ReLU");
}

TEST_CASE("onnx: a network that normalises its own input is given plain pixels") {
  const std::vector<std::int64_t> shape{1, 3, 8, 8};
  const auto constants = [](const std::string& mean, const std::string& std, std::vector<float> a,
                            std::vector<float> b) {
    return initializer(floats_tensor(mean, {1, 3, 1, 1}, a)) +
           initializer(floats_tensor(std, {1, 3, 1, 1}, b));
  };
  const auto range_of = [](const Model& model) {
    CHECK(model.preprocess.mean == std::array{0.0F, 0.0F, 0.0F});
    return 1 / model.preprocess.std[0];
  };
  const std::string imagenet = constants("m", "s", {0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F});
  const std::string normalised =
      node("Sub", {"x", "m"}, {"a"}) + node("Div", {"a", "s"}, {"b"}) + pooled("b");
  const Model unit = opened(imagenet + normalised + input_info(shape, 1));
  CHECK(range_of(unit) == doctest::Approx(1));
  CHECK(mentions(unit, "pixels from 0 to 1 "));
  const std::string bytes_range =
      constants("m", "s", {123.675F, 116.28F, 103.53F}, {58.395F, 57.12F, 57.375F});
  CHECK(range_of(opened(bytes_range + normalised + input_info(shape, 1))) == doctest::Approx(255));
  // Caffe's: the mean alone
  const std::string caffe = initializer(floats_tensor("m", {1, 3, 1, 1}, {103.9F, 116.8F, 123.7F}));
  CHECK(range_of(opened(caffe + node("Sub", {"x", "m"}, {"b"}) + pooled("b") + input_info(shape, 1))) ==
        doctest::Approx(255));
  // Keras' Rescaling(1 / 127.5, -1), and 1 / 255
  const std::string half =
      initializer(floats_tensor("k", {}, {1 / 127.5F})) + initializer(floats_tensor("one", {}, {1}));
  CHECK(range_of(opened(half + node("Mul", {"x", "k"}, {"a"}) + node("Sub", {"a", "one"}, {"b"}) +
                        pooled("b") + input_info(shape, 1))) == doctest::Approx(255));
  const std::string by_255 = initializer(floats_tensor("k", {}, {255}));
  CHECK(range_of(opened(by_255 + node("Div", {"x", "k"}, {"b"}) + pooled("b") + input_info(shape, 1))) ==
        doctest::Approx(255));
  // A BatchNorm in front, as MXNet's networks have it
  const std::string norm = initializer(floats_tensor("one", {3}, {1, 1, 1})) +
                           initializer(floats_tensor("zero", {3}, {0, 0, 0})) +
                           initializer(floats_tensor("mean", {3}, {120, 115, 104})) +
                           initializer(floats_tensor("var", {3}, {4900, 4700, 5100}));
  CHECK(range_of(opened(norm + node("BatchNormalization", {"x", "one", "zero", "mean", "var"}, {"b"}) +
                        pooled("b") + input_info(shape, 1))) == doctest::Approx(255));
  // Whole numbers are pixels.
  const std::string cast = node("Cast", {"x"}, {"b"}, attribute("to", std::int64_t{1})) + pooled("b");
  const Model whole = opened(cast + input_info(shape, 2));
  CHECK(range_of(whole) == doctest::Approx(255));
  CHECK(mentions(whole, "whole numbers"));
  // Nothing in front: ImageNet's.
  const Model plain = opened(node("Relu", {"x"}, {"b"}) + pooled("b") + input_info(shape, 1));
  CHECK(plain.preprocess.mean == Preprocess().mean);
  CHECK(plain.notes.empty());
  // Something else in front: told.
  const std::string far = initializer(floats_tensor("k", {}, {5000}));
  const Model strange = opened(far + node("Add", {"x", "k"}, {"b"}) + pooled("b") + input_info(shape, 1));
  CHECK(strange.preprocess.mean == Preprocess().mean);
  CHECK(mentions(strange, "does not follow from the numbers"));
}

TEST_CASE("onnx: a network whose numbers follow from the input's size takes that size alone") {
  const std::string rows = node("Shape", {"x"}, {"s"}) + initializer(integers_tensor("two", {2})) +
                           node("Gather", {"s", "two"}, {"n"});
  const std::string divided = rows + node("Cast", {"n"}, {"h"}, attribute("to", std::int64_t{1})) +
                              node("Div", {"x", "h"}, {"z"}) + pooled("z");
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{1, 3, 0, 0}, {1, 3, 64, 48}}) {
    const Model model = opened(divided + input_info(shape, 1));
    CHECK(mentions(model, shape[2] > 0 ? "64 x 48 alone" : "224 x 224 alone"));
    const Shape own = model.input_shape();
    CHECK_NOTHROW(model.graph.infer_shapes(own));
    CHECK_THROWS_WITH_AS(model.graph.infer_shapes({1, 3, own[2] + 1, own[3]}), doctest::Contains("alone"),
                         Error);
  }
  // Sizes that only name the axes of a Reshape fit every input.
  const std::string flat = rows + initializer(integers_tensor("zero", {0})) +
                           node("Gather", {"s", "zero"}, {"batch"}) +
                           initializer(integers_tensor("rest", {-1})) +
                           node("Concat", {"batch", "rest"}, {"shape"}, attribute("axis", std::int64_t{0})) +
                           node("Relu", {"x"}, {"r"}) + node("GlobalAveragePool", {"r"}, {"p"}) +
                           node("Reshape", {"p", "shape"}, {"y"}) + bytes(12, value_info("y", {1, 3}));
  const Model model = opened(flat + input_info({0, 3, 0, 0}, 1));
  CHECK(model.notes.empty());
  CHECK_NOTHROW(model.graph.infer_shapes({1, 3, 65, 31}));
}

TEST_CASE("onnx: grey inputs, oblong ones, and inputs of many channels") {
  const Model grey = opened(pooled("x", 1) + input_info({1, 1, 28, 28}, 1));
  CHECK(grey.input_shape() == Shape{1, 1, 28, 28});
  CHECK(mentions(grey, "grey images"));
  const Model oblong = opened(pooled("x") + input_info({1, 3, 96, 160}, 1));
  CHECK(oblong.input_shape() == Shape{1, 3, 96, 160});
  const Model many = opened(pooled("x", 13) + input_info({1, 13, 64, 64}, 1));
  CHECK(many.input_shape() == Shape{1, 13, 64, 64});
  CHECK(mentions(many, "13 channels"));
}

TEST_CASE("onnx: a model counts the classes of its output, whatever computes them") {
  const std::string f = node("Relu", {"x"}, {"r"}) + node("GlobalAveragePool", {"r"}, {"m"}) +
                        node("Flatten", {"m"}, {"f"}) +
                        initializer(floats_tensor("a", {5, 3}, std::vector<float>(15, 0.5F)));
  const std::string p = node("Gemm", {"f", "a"}, {"p"}, attribute("transB", std::int64_t{1})),
                    q = node("Gemm", {"f", "a"}, {"q"}, attribute("transB", std::int64_t{1}));
  const std::string out = input_info({1, 3, 8, 8}, 1) + bytes(12, value_info("y", {1, 5}));
  CHECK(opened(f + p + q + node("Add", {"p", "q"}, {"y"}) + out).class_count() == 5);
  CHECK(opened(f + p + q + node("Concat", {"p", "q"}, {"y"}, attribute("axis", std::int64_t{1})) + out)
            .class_count() == 10);
  const std::string three = initializer(integers_tensor("k", {0, 3, 4}));
  CHECK(opened(f + p + three + node("Gather", {"p", "k"}, {"y"}, attribute("axis", std::int64_t{1})) + out)
            .class_count() == 3);
}
