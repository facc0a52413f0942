// torchvision's families besides ResNet and VGG: names, layers, heads, what is assumed, what is refused.
// tests/golden compares their numbers with PyTorch's.

#include <algorithm>
#include <filesystem>

#include <doctest/doctest.h>

#include <ablaze/convert.hpp>
#include <ablaze/model.hpp>

#include "formats/safetensors.hpp"
#include "models/graph_json.hpp"
#include "models/load.hpp"
#include "models/synthetic.hpp"
#include "support/message_of.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

std::string refusal(const Shapes& shapes) {
  return error_of([&] { build(zeros(shapes)); });
}

/// The same tensors with `from` in their names replaced.
Shapes renamed(const Shapes& shapes, const std::string& from, const std::string& to) {
  Shapes result;
  for (const auto& [name, shape] : shapes) {
    std::string own = name;
    if (const std::size_t at = own.find(from); at != std::string::npos) own.replace(at, from.size(), to);
    result[own] = shape;
  }
  return result;
}

Shapes without(Shapes shapes, const std::string& prefix) {
  std::erase_if(shapes, [&](const auto& entry) { return entry.first.starts_with(prefix); });
  return shapes;
}

void norm(Shapes& shapes, const std::string& name, std::int64_t channels) {
  for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
    shapes[name + part] = {channels};
}

Shapes densenet_shapes(const std::vector<int>& layers, std::int64_t growth, std::int64_t channels) {
  Shapes shapes;
  shapes["features.conv0.weight"] = {channels, 3, 7, 7};
  norm(shapes, "features.norm0", channels);
  for (std::size_t block = 1; block <= layers.size(); ++block) {
    for (int i = 1; i <= layers[block - 1]; ++i) {
      const std::string name =
          "features.denseblock" + std::to_string(block) + ".denselayer" + std::to_string(i);
      norm(shapes, name + ".norm1", channels);
      shapes[name + ".conv1.weight"] = {4 * growth, channels, 1, 1};
      norm(shapes, name + ".norm2", 4 * growth);
      shapes[name + ".conv2.weight"] = {growth, 4 * growth, 3, 3};
      channels += growth;
    }
    if (block == layers.size()) break;
    const std::string name = "features.transition" + std::to_string(block);
    norm(shapes, name + ".norm", channels);
    shapes[name + ".conv.weight"] = {channels / 2, channels, 1, 1};
    channels /= 2;
  }
  norm(shapes, "features.norm5", channels);
  shapes["classifier.weight"] = {1000, channels};
  shapes["classifier.bias"] = {1000};
  return shapes;
}

Shapes mobilenet_v2_shapes() {
  Shapes shapes;
  const auto conv = [&](const std::string& name, const std::string& bn, Shape shape) {
    shapes[name + ".weight"] = shape;
    norm(shapes, bn, shape[0]);
  };
  conv("features.0.0", "features.0.1", {32, 3, 3, 3});
  const std::vector<std::array<int, 3>> stages{{1, 16, 1}, {6, 24, 2},  {6, 32, 3}, {6, 64, 4},
                                               {6, 96, 3}, {6, 160, 3}, {6, 320, 1}};
  std::int64_t in = 32;
  int index = 0;
  for (const auto& [widening, out, blocks] : stages) {
    for (int i = 0; i < blocks; ++i) {
      const std::string name = "features." + std::to_string(++index) + ".conv.";
      const std::int64_t inner = in * widening;
      int child = 0;
      const auto number = [&] { return std::to_string(child++); };
      for (const bool depthwise : {false, true}) {
        if (!depthwise && widening == 1) continue;
        const std::string part = name + number();
        conv(part + ".0", part + ".1", depthwise ? Shape{inner, 1, 3, 3} : Shape{inner, in, 1, 1});
      }
      const std::string last = name + number();
      conv(last, name + number(), {out, inner, 1, 1});
      in = out;
    }
  }
  conv("features.18.0", "features.18.1", {1280, 320, 1, 1});
  shapes["classifier.1.weight"] = {1000, 1280};
  shapes["classifier.1.bias"] = {1000};
  return shapes;
}

std::int64_t parameters_of(const Graph& graph) {
  std::int64_t total = 0;
  for (const Node& node : graph.nodes()) total += parameter_count(node);
  return total;
}

}  // namespace

TEST_CASE("thin networks of the other families: name, layer to explain, classes") {
  struct Case {
    std::string golden;
    std::string architecture;
    std::string layer;
    Shape shape;  ///< of the layer, for 224 x 224 pixels
  };
  const std::vector<Case> cases{
      {"alexnet", "alexnet_thin", "features.11", {1, 32, 13, 13}},
      {"squeezenet1_0", "squeezenet1_0_thin", "features.12", {1, 64, 13, 13}},
      {"squeezenet1_1", "squeezenet1_1_thin", "features.12", {1, 64, 13, 13}},
      {"mobilenet_v2", "mobilenet_v2_thin", "features.18", {1, 1280, 7, 7}},
      {"mobilenet_v3_small", "mobilenet_v3_small_thin", "features.12", {1, 144, 7, 7}},
      {"mobilenet_v3_large", "mobilenet_v3_large_thin", "features.16", {1, 192, 7, 7}},
      {"densenet", "densenet", "features.norm5", {1, 15, 7, 7}},
      {"googlenet", "googlenet_thin", "inception5b", {1, 128, 7, 7}},
      {"inception_v3", "inception_v3_thin", "Mixed_7c", {1, 128, 5, 5}},
      {"mnasnet", "mnasnet", "layers.16", {1, 1280, 7, 7}},
      {"shufflenet_v2", "shufflenet_v2", "conv5", {1, 40, 7, 7}},
      {"efficientnet", "efficientnet", "features.8", {1, 128, 7, 7}},
      {"efficientnet_v2", "efficientnet", "features.7", {1, 48, 7, 7}},
      {"regnet_y", "regnet_y", "trunk_output.block3", {1, 24, 14, 14}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.golden);
    const models::Network network = build(zeros(golden_shapes(c.golden)));
    CHECK(network.architecture == c.architecture);
    CHECK(network.default_layer == c.layer);
    const std::vector<Shape> shapes = network.graph.infer_shapes({1, 3, 224, 224});
    CHECK(shapes.at(static_cast<std::size_t>(network.graph.find(c.layer))) == c.shape);
    CHECK(shapes.back() == Shape{1, 10});
    CHECK(network.graph.infer_shapes({2, 3, 97, 131}).back() == Shape{2, 10});
  }
}

TEST_CASE("DenseNets and MobileNet-v2 at torchvision's size, down to their parameter count") {
  const auto check = [](const Shapes& shapes, const std::string& name, std::int64_t parameters) {
    CAPTURE(name);
    const models::Network network = build(zeros(shapes));
    CHECK(network.architecture == name);
    CHECK(parameters_of(network.graph) == parameters);
    CHECK(network.graph.infer_shapes({1, 3, 224, 224}).back() == Shape{1, 1000});
  };
  check(densenet_shapes({6, 12, 24, 16}, 32, 64), "densenet121", 7'978'856);
  check(densenet_shapes({6, 12, 36, 24}, 48, 96), "densenet161", 28'681'000);
  check(densenet_shapes({6, 12, 32, 32}, 32, 64), "densenet169", 14'149'480);
  check(densenet_shapes({6, 12, 48, 32}, 32, 64), "densenet201", 20'013'928);
  check(mobilenet_v2_shapes(), "mobilenet_v2", 3'504'872);
  CHECK(build(zeros(densenet_shapes({6, 12, 24, 16}, 8, 16))).architecture == "densenet121_thin");
  CHECK(build(zeros(densenet_shapes({6, 12, 24}, 8, 16))).architecture == "densenet");
}

TEST_CASE("early names of DenseNet's layers are torchvision's of today") {
  const Shapes own = golden_shapes("densenet");
  Shapes early;
  for (const auto& [name, shape] : own) {
    std::string old = name;
    for (const char* part : {"norm1", "norm2", "conv1", "conv2"}) {
      const std::size_t at = old.find(part, std::min(old.find("denselayer"), old.size()));
      if (at != std::string::npos) old.insert(at + 4, ".");
    }
    early[old] = shape;
  }
  CHECK(early.contains("features.denseblock1.denselayer2.norm.1.weight"));
  for (const std::string prefix : {"", "module."}) {
    formats::TensorFile file;
    for (auto& [name, weight] : zeros(early)) file.tensors.emplace(prefix + name, weight);
    const models::Identified found = models::identify(file, "early.pth");
    CHECK(found.network.graph.contains("features.denseblock1.denselayer2.norm1"));
    REQUIRE_FALSE(found.notes.empty());
    CHECK(found.notes.back() == "translated the names of an early torchvision's DenseNet to torchvision's");
  }
}

TEST_CASE("prefixes of wrappers are removed from every family's names") {
  for (const std::string network : kOtherFamilies) {
    CAPTURE(network);
    const Shapes own = golden_shapes(network);
    const std::string expected = models::graph_to_json(build(zeros(own)).graph);
    for (const std::string prefix : {"module.", "model.backbone."}) {
      CAPTURE(prefix);
      formats::TensorFile file;
      for (auto& [name, weight] : zeros(own)) file.tensors.emplace(prefix + name, weight);
      const models::Identified found = models::identify(file, "wrapped.pth");
      CHECK(models::graph_to_json(found.network.graph) == expected);
      CHECK(found.notes.size() == 1);
    }
  }
}

TEST_CASE("a head may have been replaced by a single linear layer") {
  for (const std::string network : {"mobilenet_v2", "mnasnet", "efficientnet"}) {
    CAPTURE(network);
    const Shapes own = golden_shapes(network);
    for (const char* head : {"classifier.", "classifier.0."}) {
      const Shapes replaced = renamed(own, "classifier.1.", head);
      CHECK(build(zeros(replaced)).graph.infer_shapes({1, 3, 64, 64}).back() == Shape{1, 10});
    }
  }
  Shapes shapes = without(golden_shapes("mobilenet_v3_small"), "classifier.");
  shapes["classifier.weight"] = {3, 144};
  shapes["classifier.bias"] = {3};
  CHECK(build(zeros(shapes)).graph.infer_shapes({1, 3, 64, 64}).back() == Shape{1, 3});
}

TEST_CASE("preprocessing is that of torchvision's weights") {
  const Preprocess usual = build(zeros(mobilenet_v2_shapes())).preprocess;
  CHECK(usual.resize == 256);
  CHECK(usual.crop == 224);
  CHECK(usual.mean == Preprocess{}.mean);
}

TEST_CASE("GoogLeNet and Inception-v3: auxiliary heads are left out, the assumed normalisation is told") {
  Shapes shapes = golden_shapes("googlenet");
  const models::Network plain = build(zeros(shapes));
  REQUIRE(plain.notes.size() == 1);
  CHECK(says(plain.notes[0], "transform_input=True"));
  CHECK(plain.preprocess.mean == std::array<float, 3>{0.5F, 0.5F, 0.5F});
  CHECK(plain.preprocess.std == std::array<float, 3>{0.5F, 0.5F, 0.5F});
  for (const char* name : {"aux1.conv.conv.weight", "aux1.fc1.bias", "aux2.fc2.weight"}) shapes[name] = {4};
  shapes["aux2.conv.bn.num_batches_tracked"] = {1};
  const models::Network network = build(zeros(shapes));
  REQUIRE(network.notes.size() == 2);
  CHECK(says(network.notes[0], "3 tensors"));
  CHECK(models::graph_to_json(network.graph) == models::graph_to_json(plain.graph));
  shapes["aux3.fc.weight"] = {4};
  CHECK(says(refusal(shapes), "aux3.fc.weight"));
  shapes = golden_shapes("inception_v3");
  shapes["AuxLogits.fc.weight"] = {4, 4};
  const models::Network inception = build(zeros(shapes));
  REQUIRE(inception.notes.size() == 2);
  CHECK(says(inception.notes[0], "left out AuxLogits (1 tensor"));
  CHECK(inception.preprocess.crop == 299);
}

TEST_CASE("an EfficientNet of no known variant says which epsilon was assumed") {
  const auto epsilon = [](const models::Network& network) {
    return std::get<op::BatchNorm>(network.graph.node(network.graph.find("features.0.1")).op).epsilon;
  };
  const models::Network first = build(zeros(golden_shapes("efficientnet")));
  REQUIRE(first.notes.size() == 1);
  CHECK(says(first.notes[0], "epsilon 0.00001"));
  CHECK(epsilon(first) == 1e-5);
  const models::Network second = build(zeros(golden_shapes("efficientnet_v2")));
  REQUIRE(second.notes.size() == 1);
  CHECK(says(second.notes[0], "epsilon 0.001"));
  CHECK(epsilon(second) == 1e-3);
}

TEST_CASE("every other family is converted by its names, and comes back as it went in") {
  const TemporaryFolder folder;
  const std::filesystem::path plain = folder.path() / "plain.safetensors";
  const std::filesystem::path converted = folder.path() / "converted.safetensors";
  ConvertOptions options;
  options.preprocess = Preprocess{.resize = 96, .crop = 96};
  for (const std::string network : kOtherFamilies) {
    CAPTURE(network);
    formats::write_safetensors(plain, {seeded(golden_shapes(network)), {{"format", "pt"}}});
    const Model before = load_model(plain);
    convert_model(plain, converted, options);
    CHECK_FALSE(formats::read_safetensors(converted).metadata.contains("ablaze.graph"));
    const Model after = load_model(converted);
    CHECK(models::graph_to_json(after.graph) == models::graph_to_json(before.graph));
    CHECK(after.graph.aliases() == before.graph.aliases());
    CHECK(after.architecture == before.architecture);
    CHECK(after.default_layer == before.default_layer);
    CHECK(after.notes.empty());
  }
}

TEST_CASE("other arrangements than torchvision's are refused: their strides are unknown") {
  const auto refused = [](const std::string& network, const std::string& extra, const std::string& found) {
    CAPTURE(network);
    Shapes shapes = golden_shapes(network);
    shapes[extra] = {4, 4, 1, 1};
    const std::string message = refusal(shapes);
    CHECK(says(message, found));
    CHECK(says(message, "torch.onnx.export"));
  };
  refused("mobilenet_v2", "features.19.conv.0.0.weight", "features.0 to features.19");
  refused("mobilenet_v3_small", "features.14.block.0.0.weight", "features.0 to features.14");
  refused("mobilenet_v3_large", "features.2000000000.0.weight", "features.0 to features.2000000000");
  refused("mnasnet", "layers.9.3.layers.0.weight", "4 blocks in layers.9");
  refused("efficientnet", "features.9.0.block.0.0.weight", "features.0 to features.9");
  CHECK(says(refusal(without(golden_shapes("mobilenet_v2"), "features.18.")), "features.0 to features.17"));
  CHECK(says(refusal(without(golden_shapes("efficientnet"), "features.7.")), "features.7.0.block"));
}

TEST_CASE("names that only resemble a family's are not taken for it") {
  const Shapes convnext{{"features.0.0.weight", {96, 3, 4, 4}},
                        {"features.1.0.block.0.weight", {96, 1, 7, 7}},
                        {"features.1.0.block.3.weight", {384, 96}},
                        {"features.1.0.layer_scale", {96, 1, 1}}};
  CHECK(says(refusal(convnext), "not a supported network"));
  const Shapes swin{{"features.0.0.weight", {96, 3, 4, 4}}, {"features.1.0.attn.qkv.weight", {288, 96}}};
  CHECK(says(refusal(swin), "not a supported network"));
  const Shapes timm{{"stages.0.blocks.0.conv1.weight", {8, 8, 1, 1}}, {"conv_stem.weight", {8, 3, 3, 3}}};
  CHECK(says(refusal(timm), "torch.onnx.export"));
}

TEST_CASE("absurd numbers of blocks are refused before anything is built from them") {
  const auto refused = [](const std::string& network, const std::string& extra, const std::string& text) {
    CAPTURE(network);
    CAPTURE(extra);
    Shapes shapes = golden_shapes(network);
    shapes[extra] = {4};
    const std::string message = refusal(shapes);
    CHECK(says(message, text));
    CHECK(message.size() < 1000);
  };
  refused("densenet", "features.denseblock2000000000.denselayer1.norm1.weight", "at most 16");
  refused("densenet", "features.denseblock17.denselayer1.norm1.weight", "at most 16");
  refused("densenet", "features.denseblock2.denselayer1001.norm1.weight", "at most 1000");
  refused("densenet", "features.denseblock9.denselayer999.norm1.weight", "missing");
  refused("regnet_y", "trunk_output.block17.block17-0.f.a.0.weight", "at most 16");
  refused("regnet_y", "trunk_output.block2.block2-1234567.f.a.0.weight", "at most 1000");
  refused("shufflenet_v2", "stage3.1000000.branch2.0.weight", "at most 1000");
  refused("shufflenet_v2", "stage5.0.branch2.0.weight", "stage5.0.branch2.0.weight");
  refused("efficientnet", "features.3.1000.block.0.0.weight", "at most 1000");
  refused("mnasnet", "layers.8.1000000.layers.0.weight", "at most 1000");
  refused("alexnet", "features.13.weight", "features.13.weight");
  refused("squeezenet1_0", "features.13.squeeze.weight", "features.13.squeeze.weight");
  refused("inception_v3", "Mixed_7d.branch1x1.conv.weight", "Mixed_7d.branch1x1.conv.weight");
  refused("googlenet", "inception5c.branch1.conv.weight", "inception5c.branch1.conv.weight");
}

TEST_CASE("channels that are copied or convolved one by one are bounded") {
  Shapes shapes = golden_shapes("squeezenet1_1");
  for (const char* part : {"features.3.expand1x1", "features.3.expand3x3"}) {
    shapes[part + std::string(".weight")][0] = 65'536;
    shapes[part + std::string(".bias")][0] = 65'536;
  }
  CHECK(says(refusal(shapes), "features.3 would have 131072 channels"));
  shapes = golden_shapes("mnasnet");
  for (const char* part : {"0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var"})
    shapes[std::string("layers.") + part][0] = 5'000'000'000;
  CHECK(says(refusal(shapes), "layers.3 would have 5000000000 channels"));
}

TEST_CASE("shapes that contradict a family name the tensor") {
  const auto refused = [](const std::string& network, const std::string& tensor, Shape shape) {
    CAPTURE(tensor);
    Shapes shapes = golden_shapes(network);
    REQUIRE(shapes.contains(tensor));
    shapes[tensor] = std::move(shape);
    CHECK(says(refusal(shapes), tensor + " has the shape"));
  };
  refused("mobilenet_v3_small", "features.4.block.1.0.weight", {24, 1, 3, 3});  // a 5x5 kernel there
  refused("mnasnet", "layers.9.0.layers.3.weight", {24, 1, 3, 3});
  refused("squeezenet1_0", "features.0.weight", {12, 3, 3, 3});
  refused("googlenet", "inception3a.branch3.1.conv.weight", {4, 2, 5, 5});    // the paper's
  refused("inception_v3", "Mixed_6b.branch7x7_2.conv.weight", {8, 8, 7, 1});  // 1x7 there
  refused("regnet_y", "trunk_output.block2.block2-0.f.b.0.weight", {16, 5, 3, 3});
  refused("shufflenet_v2", "stage2.1.branch2.0.weight", {8, 16, 1, 1});
}
