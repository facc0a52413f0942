#include <doctest/doctest.h>

#include "models/load.hpp"
#include "models/synthetic.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

void add_norm(Shapes& shapes, const std::string& name, std::int64_t channels) {
  for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
    shapes[name + part] = {channels};
}

struct Recipe {
  std::vector<std::int64_t> planes{16, 32, 64};
  int blocks = 3;
  std::string shortcut{};  ///< the module of a projection; empty: none
  std::string head = "linear";
};

Shapes cifar_shapes(const Recipe& recipe) {
  Shapes shapes{{"conv1.weight", {recipe.planes[0], 3, 3, 3}}};
  add_norm(shapes, "bn1", recipe.planes[0]);
  std::int64_t in = recipe.planes[0];
  for (std::size_t stage = 0; stage < recipe.planes.size(); ++stage) {
    for (int i = 0; i < recipe.blocks; ++i) {
      const std::string block = "layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
      const std::int64_t out = recipe.planes[stage];
      shapes[block + "conv1.weight"] = {out, in, 3, 3};
      shapes[block + "conv2.weight"] = {out, out, 3, 3};
      add_norm(shapes, block + "bn1", out);
      add_norm(shapes, block + "bn2", out);
      if (i == 0 && stage > 0 && !recipe.shortcut.empty()) {
        shapes[block + recipe.shortcut + ".0.weight"] = {out, in, 1, 1};
        add_norm(shapes, block + recipe.shortcut + ".1", out);
      }
      in = out;
    }
  }
  shapes[recipe.head + ".weight"] = {10, in};
  shapes[recipe.head + ".bias"] = {10};
  return shapes;
}

models::Network network_of(const Recipe& recipe) {
  const formats::TensorFile content{zeros(cifar_shapes(recipe)), {}};
  return models::identify(content, "made.up").network;
}

const op::ChannelMap& map_of(const Graph& graph, const char* layer) {
  return std::get<op::ChannelMap>(graph.node(graph.find(layer)).op);
}

}  // namespace

TEST_CASE("cifar: a ResNet of three stages is known by its stem, and its shortcuts need no weights") {
  for (const auto& [blocks, name] : std::vector<std::pair<int, std::string>>{
           {3, "cifar_resnet20"}, {5, "cifar_resnet32"}, {9, "cifar_resnet56"}, {18, "cifar_resnet110"}}) {
    const models::Network network = network_of({.blocks = blocks});
    CHECK(network.architecture == name);
    CHECK(network.default_layer == "layer3");
    CHECK(network.preprocess.crop == 32);
    CHECK(network.graph.infer_shapes({1, 3, 32, 32}).back() == Shape{1, 10});
  }
  const Graph graph = network_of({}).graph;
  const op::ChannelMap& map = map_of(graph, "layer2.0.shortcut");
  CHECK(map.stride == std::array<int, 2>{2, 2});
  REQUIRE(map.from.size() == 32);
  for (int c = 0; c < 32; ++c) CHECK(map.from[c] == (c >= 8 && c < 24 ? c - 8 : -1));
  CHECK_FALSE(graph.contains("layer1.0.shortcut"));
  CHECK_FALSE(graph.contains("layer2.1.shortcut"));
  // Odd sizes: every second pixel from the first.
  const std::vector<Shape> shapes = graph.infer_shapes({2, 3, 33, 29});
  CHECK(shapes[graph.find("layer2.0.shortcut")] == Shape{2, 32, 17, 15});
  CHECK(shapes[graph.find("layer3")] == Shape{2, 64, 9, 8});
}

TEST_CASE("cifar: projections, four stages, other widths and other names of the head") {
  CHECK(network_of({.shortcut = "shortcut"}).architecture == "cifar_resnet20");
  CHECK(network_of({.planes = {64, 128, 256, 512}, .blocks = 2, .shortcut = "shortcut"}).architecture ==
        "cifar_resnet18");
  CHECK(network_of({.shortcut = "downsample", .head = "fc"}).graph.contains("layer2.0.downsample"));
  CHECK(network_of({.planes = {32, 64, 128}}).architecture == "cifar_resnet20_wide");
  CHECK(network_of({.planes = {8, 16, 32}}).architecture == "cifar_resnet20_thin");
  const op::ChannelMap widened = map_of(network_of({.planes = {4, 7, 7}}).graph, "layer2.0.shortcut");
  CHECK(widened.from == std::vector<int>{-1, 0, 1, 2, 3, -1, -1});
}

TEST_CASE("cifar: what is missing or does not fit is named") {
  const auto message = [](Shapes shapes) {
    return error_of([&] {
      const formats::TensorFile content{zeros(shapes), {}};
      models::identify(content, "made.up");
    });
  };
  Shapes shapes = cifar_shapes({});
  shapes.erase("layer2.1.bn1.bias");
  CHECK(message(shapes).find("layer2.1.bn1.bias") != std::string::npos);
  shapes = cifar_shapes({});
  shapes["layer3.0.conv1.weight"] = {64, 31, 3, 3};
  CHECK(message(shapes).find("layer3.0.conv1.weight") != std::string::npos);
  shapes = cifar_shapes({});
  shapes["layer2.0.conv2.weight"] = {31, 31, 3, 3};  // no zeros can be taken away
  CHECK(message(shapes) != "");
}
