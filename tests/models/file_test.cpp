#include <concepts>
#include <functional>
#include <limits>
#include <set>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/model.hpp>

#include "models/graph_json.hpp"
#include "models/load.hpp"
#include "models/save.hpp"
#include "models/synthetic.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

Model sample(bool vgg) {
  const formats::TensorFile content{
      seeded(vgg ? vgg_shapes(thin_vgg(true)) : resnet_shapes(thin_resnet(true))), {}};
  Model model = models::make_model(content, models::identify(content, "made.up"), "made.up");
  model.labels = {"a", "b", "c", "d", "e"};
  model.provenance = "made up";
  return model;
}

/// Calls compare(name, a, b) for every weight of two graphs of equal structure.
template <class Compare>
void for_both(const Graph& a, const Graph& b, const Compare& compare) {
  REQUIRE(a.size() == b.size());
  for (NodeId id = 0; id < a.size(); ++id) {
    CHECK(a.node(id).name == b.node(id).name);
    CHECK(a.node(id).inputs == b.node(id).inputs);
    REQUIRE(a.node(id).op.index() == b.node(id).op.index());
    if (const auto* conv = std::get_if<op::Conv2d>(&a.node(id).op)) {
      const auto& other = std::get<op::Conv2d>(b.node(id).op);
      CHECK(conv->groups == other.groups);
      CHECK(conv->stride == other.stride);
      compare(conv->weight, other.weight);
      if (conv->bias) compare(conv->bias, other.bias);
    } else if (const auto* norm = std::get_if<op::BatchNorm>(&a.node(id).op)) {
      compare(norm->variance, std::get<op::BatchNorm>(b.node(id).op).variance);
    } else if (const auto* linear = std::get_if<op::Linear>(&a.node(id).op)) {
      compare(linear->weight, std::get<op::Linear>(b.node(id).op).weight);
    }
  }
}

}  // namespace

TEST_CASE("a model comes back from its file as it went in") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "model.safetensors";
  for (const bool vgg : {false, true}) {
    const Model model = sample(vgg);
    models::save_model(model, file, DType::f32);
    const Model again = load_model(file);
    CHECK(again.architecture == model.architecture);
    CHECK(again.labels == model.labels);
    CHECK(again.provenance == model.provenance);
    CHECK(again.default_layer == model.default_layer);
    CHECK(again.source == file);
    CHECK(again.graph.aliases() == model.graph.aliases());
    for_both(model.graph, again.graph, [](const Weight& a, const Weight& b) {
      REQUIRE(a.shape() == b.shape());
      const Tensor x = a.to_tensor();
      const Tensor y = b.to_tensor();
      CHECK(std::equal(x.values().begin(), x.values().end(), y.values().begin()));
    });
  }
}

TEST_CASE("a network of a known family's names but with other attributes comes back with its own") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "model.safetensors";
  const Model model = sample(false);
  std::vector<std::function<void(Node&)>> changes{[](Node& node) {
                                                    if (auto* conv = std::get_if<op::Conv2d>(&node.op))
                                                      conv->stride = {1, 1};
                                                  },
                                                  [](Node& node) {
                                                    if (auto* conv = std::get_if<op::Conv2d>(&node.op);
                                                        conv && conv->weight.shape()[2] == 3)
                                                      conv->padding = {2, 2}, conv->dilation = {2, 2};
                                                  },
                                                  [](Node& node) {
                                                    if (auto* norm = std::get_if<op::BatchNorm>(&node.op))
                                                      norm->epsilon = 1e-3;
                                                  },
                                                  [](Node& node) {
                                                    if (auto* pool = std::get_if<op::MaxPool2d>(&node.op))
                                                      pool->ceil_mode = true;
                                                  }};
  for (const auto& change : changes) {
    Model other = model;
    other.graph = Graph();
    for (Node node : model.graph.nodes()) {
      change(node);
      other.graph.add(node.name, node.op, node.inputs);
    }
    for (const auto& [name, node] : model.graph.aliases()) other.graph.alias(name, node);
    const std::string description = models::graph_to_json(other.graph);
    REQUIRE(description != models::graph_to_json(model.graph));
    models::save_model(other, file, DType::f32);
    CHECK(models::graph_to_json(load_model(file).graph) == description);
  }
}

namespace {

template <std::size_t... Index>
std::vector<std::string_view> names_but_for_curves(std::index_sequence<Index...>) {
  std::vector<std::string_view> names;
  const auto add = [&]<class Operator>(std::type_identity<Operator>) {
    if constexpr (!std::same_as<Operator, op::Curve>) names.push_back(op_name(Operator{}));
  };
  (add(std::type_identity<std::variant_alternative_t<Index, Op>>()), ...);
  return names;
}

}  // namespace

TEST_CASE("no two operators are stored under one name, and every kind of curve is listed") {
  auto names = names_but_for_curves(std::make_index_sequence<std::variant_size_v<Op>>());
  for (const op::Curve::Kind kind : op::Curve::kinds) names.push_back(op_name(op::Curve{kind}));
  CHECK(std::set(names.begin(), names.end()).size() == names.size());
  CHECK_THROWS_AS(curve_name(static_cast<op::Curve::Kind>(op::Curve::kinds.size())), Error);
}

TEST_CASE("halves keep vectors in full precision and everything else to the last bit of a half") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "model.safetensors";
  const Model model = sample(false);
  models::save_model(model, file, DType::f16);
  const Model again = load_model(file);
  for_both(model.graph, again.graph, [](const Weight& a, const Weight& b) {
    CHECK(b.dtype() == (a.shape().size() >= 2 ? DType::f16 : DType::f32));
    const Tensor x = a.to_tensor();
    const Tensor y = b.to_tensor();
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const float tolerance = b.dtype() == DType::f32 ? 0.0F : std::abs(x[i]) * 0x1p-11F + 0x1p-25F;
      if (std::abs(x[i] - y[i]) > tolerance) FAIL("element ", i, ": ", x[i], " became ", y[i]);
    }
  });
  // Halving again changes nothing: the self-test was made with the weights in the file.
  const Model twice = models::with_weights_as(again, DType::f16);
  for_both(again.graph, twice.graph,
           [](const Weight& a, const Weight& b) { CHECK(a.bytes().data() == b.bytes().data()); });
}

TEST_CASE("a weight beyond a half's range is refused, and named") {
  const TemporaryFolder folder;
  models::TensorMap tensors = seeded(resnet_shapes(thin_resnet(false)));
  Tensor large = tensors.at("layer1.0.conv1.weight").to_tensor();
  large[5] = 1e5F;
  tensors["layer1.0.conv1.weight"] = large;
  const formats::TensorFile content{tensors, {}};
  const Model model = models::make_model(content, models::identify(content, "made.up"), "made.up");
  const std::string message =
      error_of([&] { models::save_model(model, folder.path() / "model.safetensors", DType::f16); });
  CHECK(message.find("layer1.0.conv1.weight") != std::string::npos);
  CHECK(message.find("65504") != std::string::npos);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_NOTHROW(models::save_model(model, folder.path() / "model.safetensors", DType::f32));
  CHECK_THROWS_AS(models::with_weights_as(model, DType::bf16), UsageError);
}

TEST_CASE("a file that is not there, or no weight file, is an error that names it") {
  const TemporaryFolder folder;
  CHECK(error_of([&] { load_model(folder.path() / "none.safetensors"); }).find("none.safetensors") !=
        std::string::npos);
  CHECK(error_of([&] { load_model(folder.path()); }) != "");
}
