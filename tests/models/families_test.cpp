#include <algorithm>
#include <numeric>

#include <doctest/doctest.h>

#include "models/synthetic.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

std::int64_t parameters(const Graph& graph) {
  std::int64_t total = 0;
  for (const Node& node : graph.nodes()) total += parameter_count(node);
  return total;
}

double giga_multiply_adds(const Graph& graph, const Shape& input) {
  const std::vector<Shape> shapes = graph.infer_shapes(input);
  std::int64_t total = 0;
  for (NodeId id = 0; id < graph.size(); ++id) total += multiply_adds(graph, id, shapes);
  return static_cast<double>(total) * 1e-9;
}

std::vector<std::string> names(const Graph& graph) {
  std::vector<std::string> out;
  for (const Node& node : graph.nodes()) out.push_back(node.name);
  return out;
}

const std::string& meant_by(const Graph& graph, const char* name) {
  return graph.node(graph.find(name)).name;
}

const Shape& shape_of(const Graph& graph, const std::vector<Shape>& shapes, const char* name) {
  return shapes.at(graph.find(name));
}

constexpr std::array<int, 4> k50{3, 4, 6, 3};
constexpr std::array<int, 4> k101{3, 4, 23, 3};
constexpr std::array<int, 4> k152{3, 8, 36, 3};

}  // namespace

TEST_CASE("every ResNet of torchvision is known by its tensors, down to its parameter count") {
  struct Case {
    std::string name;
    ResnetRecipe recipe;
    std::int64_t parameters;
  };
  const std::vector<Case> cases{
      {"resnet18", {}, 11'689'512},
      {"resnet34", {.blocks = k50}, 21'797'672},
      {"resnet50", {.blocks = k50, .bottleneck = true}, 25'557'032},
      {"resnet101", {.blocks = k101, .bottleneck = true}, 44'549'160},
      {"resnet152", {.blocks = k152, .bottleneck = true}, 60'192'808},
      {"resnext50_32x4d",
       {.blocks = k50, .bottleneck = true, .groups = 32, .width_per_group = 4},
       25'028'904},
      {"resnext101_32x8d",
       {.blocks = k101, .bottleneck = true, .groups = 32, .width_per_group = 8},
       88'791'336},
      {"resnext101_64x4d",
       {.blocks = k101, .bottleneck = true, .groups = 64, .width_per_group = 4},
       83'455'272},
      {"wide_resnet50_2", {.blocks = k50, .bottleneck = true, .width_per_group = 128}, 68'883'240},
      {"wide_resnet101_2", {.blocks = k101, .bottleneck = true, .width_per_group = 128}, 126'886'696},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const models::Network network = build(zeros(resnet_shapes(c.recipe)));
    CHECK(network.architecture == c.name);
    CHECK(network.depth_name == c.name);
    CHECK(network.default_layer == "layer4");
    CHECK(parameters(network.graph) == c.parameters);
    CHECK(network.graph.infer_shapes({1, 3, 224, 224}).back() == Shape{1, 1000});
  }
}

TEST_CASE("every VGG of torchvision is known by its tensors, down to its parameter count") {
  struct Case {
    std::string name;
    VggRecipe recipe;
    std::int64_t parameters;
    const char* default_layer;
  };
  const std::vector<Case> cases{
      {"vgg11", {.stages = {1, 1, 2, 2, 2}}, 132'863'336, "features.19"},
      {"vgg13", {.stages = {2, 2, 2, 2, 2}}, 133'047'848, "features.23"},
      {"vgg16", {.stages = {2, 2, 3, 3, 3}}, 138'357'544, "features.29"},
      {"vgg19", {.stages = {2, 2, 4, 4, 4}}, 143'667'240, "features.35"},
      {"vgg11_bn", {.stages = {1, 1, 2, 2, 2}, .batch_norm = true}, 132'868'840, "features.27"},
      {"vgg13_bn", {.stages = {2, 2, 2, 2, 2}, .batch_norm = true}, 133'053'736, "features.33"},
      {"vgg16_bn", {.stages = {2, 2, 3, 3, 3}, .batch_norm = true}, 138'365'992, "features.42"},
      {"vgg19_bn", {.stages = {2, 2, 4, 4, 4}, .batch_norm = true}, 143'678'248, "features.51"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const models::Network network = build(zeros(vgg_shapes(c.recipe)));
    CHECK(network.architecture == c.name);
    CHECK(network.default_layer == c.default_layer);
    CHECK(op_name(network.graph.node(network.graph.find(c.default_layer)).op) == "ReLU");
    CHECK(parameters(network.graph) == c.parameters);
    CHECK(network.graph.infer_shapes({1, 3, 224, 224}).back() == Shape{1, 1000});
  }
}

TEST_CASE("multiply-adds are those that the papers and torchvision state") {
  const auto giga = [](const Shapes& shapes) {
    return giga_multiply_adds(build(zeros(shapes)).graph, {1, 3, 224, 224});
  };
  CHECK(giga(resnet_shapes({})) == doctest::Approx(1.814).epsilon(0.001));
  CHECK(giga(resnet_shapes({.blocks = k50, .bottleneck = true})) == doctest::Approx(4.089).epsilon(0.001));
  CHECK(giga(resnet_shapes({.blocks = k50, .bottleneck = true, .groups = 32, .width_per_group = 4})) ==
        doctest::Approx(4.230).epsilon(0.001));
  CHECK(giga(vgg_shapes({.stages = {2, 2, 3, 3, 3}})) == doctest::Approx(15.470).epsilon(0.001));
}

TEST_CASE("thin and wide networks keep their depth's name, with a suffix") {
  CHECK(build(zeros(resnet_shapes(thin_resnet(false)))).architecture == "resnet18_thin");
  CHECK(build(zeros(resnet_shapes(thin_resnet(true)))).architecture == "resnet50_thin");
  CHECK(build(zeros(resnet_shapes({.stem = 96, .planes = {96, 192, 384, 768}}))).architecture ==
        "resnet18_wide");
  CHECK(build(zeros(vgg_shapes(thin_vgg(false)))).architecture == "vgg11_thin");
  CHECK(build(zeros(vgg_shapes(thin_vgg(true)))).architecture == "vgg11_bn_thin");
  CHECK(build(zeros(vgg_shapes({.hidden = {256, 256}}))).architecture == "vgg11_thin");
  CHECK(build(zeros(vgg_shapes({.channels = {128, 256, 512, 1024, 1024}}))).architecture == "vgg11_wide");
  const ResnetRecipe thin_next{.blocks = k50,
                               .bottleneck = true,
                               .groups = 8,
                               .width_per_group = 16,
                               .stem = 16,
                               .planes = {16, 32, 64, 128}};
  const models::Network network = build(zeros(resnet_shapes(thin_next)));
  CHECK(network.architecture == "resnext50_8x16d_thin");
  CHECK(network.depth_name == "resnext50_8x16d");
  const Node& conv = network.graph.node(network.graph.find("layer3.2.conv2"));
  CHECK(std::get<op::Conv2d>(conv.op).groups == 8);
}

TEST_CASE("a network of no known depth is its family's") {
  CHECK(
      build(zeros(resnet_shapes({.blocks = {1, 2, 1, 1}, .stem = 8, .planes = {8, 8, 8, 8}}))).architecture ==
      "resnet");
  CHECK(build(zeros(vgg_shapes({.stages = {1, 2, 1, 1, 1}}))).architecture == "vgg");
}

TEST_CASE("a fine-tuned head has as many classes as its tensors say") {
  const models::Network network = build(zeros(resnet_shapes({.classes = 7})));
  CHECK(network.architecture == "resnet18");
  CHECK(network.graph.infer_shapes({2, 3, 100, 180}).back() == Shape{2, 7});
}

TEST_CASE("layers have PyTorch's names, and a module that is called again has a node a call") {
  const Graph graph = build(zeros(resnet_shapes(thin_resnet(false)))).graph;
  const std::vector<std::string> all = names(graph);
  const std::vector<std::string> stem{"input", "conv1", "bn1", "relu", "maxpool", "layer1.0.conv1"};
  CHECK(std::equal(stem.begin(), stem.end(), all.begin()));
  const std::vector<std::string> tail{
      "layer4.1.conv1", "layer4.1.bn1",    "layer4.1.relu@1", "layer4.1.conv2", "layer4.1.bn2",
      "layer4.1.add",   "layer4.1.relu@2", "avgpool",         "flatten",        "fc"};
  CHECK(std::equal(tail.rbegin(), tail.rend(), all.rbegin()));
  CHECK(meant_by(graph, "layer4") == "layer4.1.relu@2");
  CHECK(meant_by(graph, "layer4.1") == "layer4.1.relu@2");
  CHECK(meant_by(graph, "layer4.1.relu") == "layer4.1.relu@2");
  CHECK(meant_by(graph, "layer4.0.downsample") == "layer4.0.downsample.1");
  CHECK_FALSE(graph.contains("layer1.0.downsample"));
  const Node& add = graph.node(graph.find("layer4.0.add"));
  CHECK(graph.node(add.inputs.at(0)).name == "layer4.0.bn2");
  CHECK(graph.node(add.inputs.at(1)).name == "layer4.0.downsample.1");
}

TEST_CASE("a bottleneck has three calls of its ReLU and its stride on the 3x3 convolution") {
  const Graph graph = build(zeros(resnet_shapes(thin_resnet(true)))).graph;
  CHECK(meant_by(graph, "layer2.0.relu") == "layer2.0.relu@3");
  CHECK(meant_by(graph, "layer3") == "layer3.5.relu@3");
  const auto stride = [&](const char* name) {
    return std::get<op::Conv2d>(graph.node(graph.find(name)).op).stride;
  };
  CHECK(stride("layer2.0.conv1") == std::array<int, 2>{1, 1});
  CHECK(stride("layer2.0.conv2") == std::array<int, 2>{2, 2});
  CHECK(stride("layer2.0.downsample.0") == std::array<int, 2>{2, 2});
  CHECK(stride("layer2.1.conv2") == std::array<int, 2>{1, 1});
  CHECK(stride("layer1.0.downsample.0") == std::array<int, 2>{1, 1});
}

TEST_CASE("spatial sizes halve where torchvision's do") {
  const Graph graph = build(zeros(resnet_shapes({}))).graph;
  const std::vector<Shape> shapes = graph.infer_shapes({1, 3, 224, 224});
  CHECK(shape_of(graph, shapes, "conv1") == Shape{1, 64, 112, 112});
  CHECK(shape_of(graph, shapes, "layer1") == Shape{1, 64, 56, 56});
  CHECK(shape_of(graph, shapes, "layer3") == Shape{1, 256, 14, 14});
  CHECK(shape_of(graph, shapes, "layer4") == Shape{1, 512, 7, 7});
  CHECK(graph.node(last_spatial(graph, shapes)).name == "layer4.1.relu@2");
  const Graph vgg = build(zeros(vgg_shapes({.stages = {2, 2, 3, 3, 3}}))).graph;
  const std::vector<Shape> vgg_sizes = vgg.infer_shapes({1, 3, 224, 224});
  CHECK(shape_of(vgg, vgg_sizes, "features.29") == Shape{1, 512, 14, 14});
  CHECK(shape_of(vgg, vgg_sizes, "features") == Shape{1, 512, 7, 7});
}

TEST_CASE("a VGG's numbering leaves room for ReLU, pool and dropout") {
  const Graph graph = build(zeros(vgg_shapes(thin_vgg(true)))).graph;
  const std::vector<std::string> all = names(graph);
  REQUIRE(all.size() == 1 + 29 + 2 + 7);
  for (int i = 0; i < 29; ++i) CHECK(all[static_cast<std::size_t>(i) + 1] == "features." + std::to_string(i));
  const auto kind = [&](const char* name) { return op_name(graph.node(graph.find(name)).op); };
  CHECK(kind("features.1") == "BatchNorm");
  CHECK(kind("features.3") == "MaxPool2d");
  CHECK(kind("features.10") == "ReLU");
  CHECK(kind("features.11") == "Conv2d");
  CHECK(kind("features.28") == "MaxPool2d");
  CHECK(kind("classifier.1") == "ReLU");
  CHECK(kind("classifier.2") == "Identity");
  CHECK(meant_by(graph, "features") == "features.28");
  CHECK(meant_by(graph, "classifier") == "classifier.6");
}

TEST_CASE("a VGG for small photos has no average pool") {
  const models::Network network = build(zeros(vgg_shapes({.hidden = {64, 64}, .pool_side = 2})));
  CHECK_FALSE(network.graph.contains("avgpool"));
  CHECK(network.preprocess.crop == 64);
  CHECK(network.graph.infer_shapes({1, 3, 64, 64}).back() == Shape{1, 1000});
  CHECK_THROWS_AS(network.graph.infer_shapes({1, 3, 224, 224}), Error);
}

TEST_CASE("a number in a name is read as PyTorch writes it") {
  CHECK(models::index_in("features.12.weight", "features.", ".weight") == 12);
  CHECK(models::index_in("features.12.bias", "features.", ".weight") == -1);
  CHECK(models::index_in("features.12.bias", "features.") == 12);
  CHECK(models::index_in("features.12", "features.") == -1);
  CHECK(models::index_in("features.012.bias", "features.") == -1);
  CHECK(models::index_in("features.-1.bias", "features.") == -1);
  CHECK(models::index_in("features.99999999999.bias", "features.") == -1);
  CHECK(models::index_in("features.x.bias", "features.") == -1);
  CHECK(models::index_in("layer12.bias", "layer1.") == -1);
}
