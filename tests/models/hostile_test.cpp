// Weight files that are damaged or contain something else: each must be refused with its name.

#include <doctest/doctest.h>

#include "models/synthetic.hpp"
#include "support/message_of.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

std::string error_for(const Shapes& shapes) {
  return error_of([&] { build(zeros(shapes)); });
}

const std::vector<Shapes>& samples() {
  static const std::vector<Shapes> all = [] {
    std::vector<Shapes> shapes{
        resnet_shapes(thin_resnet(false)), resnet_shapes(thin_resnet(true)), vgg_shapes(thin_vgg(false)),
        vgg_shapes(thin_vgg(true)),
        resnet_shapes(
            {.bottleneck = true, .groups = 2, .width_per_group = 32, .planes = {4, 6, 8, 10}, .classes = 3})};
    for (const char* network : kOtherFamilies) shapes.push_back(golden_shapes(network));
    return shapes;
  }();
  return all;
}

}  // namespace

TEST_CASE("whichever tensor is missing, the error names it and the file") {
  for (const Shapes& sample : samples()) {
    for (const auto& entry : sample) {
      const std::string& name = entry.first;
      Shapes shapes = sample;
      shapes.erase(name);
      const std::string message = error_for(shapes);
      CAPTURE(name);
      CAPTURE(message);
      CHECK(says(message, name));
      CHECK(says(message, "model.file"));
      CHECK(says(message, "missing"));
    }
  }
}

TEST_CASE("whichever axis is wrong, the network is refused; an inner axis names its own tensor") {
  for (const Shapes& sample : samples()) {
    for (const auto& entry : sample) {
      const std::string& name = entry.first;
      const Shape& shape = entry.second;
      for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        Shapes shapes = sample;
        ++shapes[name][axis];
        const std::string message = error_for(shapes);
        CAPTURE(name);
        CAPTURE(axis);
        CAPTURE(message);
        CHECK(says(message, "model.file"));
        if (axis > 0) CHECK(says(message, name + " has the shape " + to_string(shapes[name])));
      }
    }
  }
}

TEST_CASE("a tensor without elements or of another rank is refused") {
  for (const Shapes& sample : samples()) {
    for (const auto& entry : sample) {
      const std::string& name = entry.first;
      const Shape& shape = entry.second;
      CAPTURE(name);
      Shapes shapes = sample;
      shapes[name].push_back(1);
      CHECK(error_for(shapes) != "");
      shapes[name] = {};
      CHECK(error_for(shapes) != "");
      shapes[name] = shape;
      shapes[name].front() = 0;
      CHECK(error_for(shapes) != "");
    }
  }
}

TEST_CASE("an error says what was expected, with \"any\" where any size does") {
  Shapes shapes = resnet_shapes({});
  shapes["layer2.0.conv1.weight"] = {128, 60, 3, 3};
  const std::string message = error_for(shapes);
  CHECK(says(message, "layer2.0.conv1.weight has the shape 128x60x3x3"));
  CHECK(says(message, "any x 64 x 3 x 3"));
}

TEST_CASE("one damaged tensor does not change what the network's groups are") {
  Shapes shapes = resnet_shapes({.blocks = {3, 4, 6, 3}, .bottleneck = true});
  shapes["layer1.0.conv2.weight"] = {64, 32, 3, 3};
  CHECK(says(error_for(shapes), "layer1.0.conv2.weight has the shape 64x32x3x3"));
}

TEST_CASE("channels that cannot be split into the network's groups are refused") {
  Shapes shapes =
      resnet_shapes({.bottleneck = true, .groups = 4, .width_per_group = 16, .planes = {8, 8, 8, 8}});
  shapes["layer2.1.conv1.weight"][0] = 9;
  for (const char* part : {"weight", "bias", "running_mean", "running_var"}) {
    shapes[std::string("layer2.1.bn1.") + part] = {9};
  }
  const std::string message = error_for(shapes);
  CHECK(says(message, "layer2.1.conv2"));
  CHECK(says(message, "4 groups"));
}

TEST_CASE("a missing stage is one error with a few names and how many more there are") {
  Shapes shapes = resnet_shapes({});
  std::erase_if(shapes, [](const auto& entry) { return entry.first.starts_with("layer3."); });
  const std::string message = error_for(shapes);
  CHECK(says(message, "layer3.0.conv1.weight"));
  CHECK(says(message, "more"));
  CHECK(message.size() < 500);
}

TEST_CASE("a block that is left out is missing, however high the next one's number is") {
  Shapes shapes = resnet_shapes({});
  shapes["layer2.3.conv1.weight"] = {128, 128, 3, 3};
  CHECK(says(error_for(shapes), "layer2.2.conv1.weight"));
  shapes["layer2.2000000000.conv1.weight"] = {128, 128, 3, 3};
  CHECK(says(error_for(shapes), "at most 1000"));
}

TEST_CASE("tensors that the network has no use for are named") {
  Shapes shapes = resnet_shapes({});
  shapes["layer4.1.se.weight"] = {3};
  shapes["head.bias"] = {3};
  const std::string message = error_for(shapes);
  CHECK(says(message, "head.bias and layer4.1.se.weight"));
  shapes = vgg_shapes(thin_vgg(false));
  shapes["classifier.6.extra"] = {3};
  CHECK(says(error_for(shapes), "classifier.6.extra"));
}

TEST_CASE("BatchNorm's counters are no parameters") {
  Shapes shapes = resnet_shapes(thin_resnet(false));
  shapes["layer1.0.bn1.num_batches_tracked"] = {1};
  CHECK(error_for(shapes) == "");
}

TEST_CASE("a VGG with a module too few or too many is refused") {
  Shapes shapes = vgg_shapes(thin_vgg(false));
  shapes.erase("features.3.weight");
  shapes.erase("features.3.bias");
  CHECK(says(error_for(shapes), "from features.0 to features.6"));
  shapes = vgg_shapes(thin_vgg(false));
  shapes["features.1.weight"] = {4, 4, 3, 3};
  CHECK(says(error_for(shapes), "from features.0 to features.1"));
  shapes = vgg_shapes(thin_vgg(false));
  shapes.erase("classifier.3.weight");
  shapes.erase("classifier.3.bias");
  CHECK(says(error_for(shapes), "between classifier.0 and classifier.6: there is room for 5 layers"));
  shapes["classifier.2147483647.bias"] = {4};
  CHECK(error_for(shapes) != "");
}

TEST_CASE("other networks are told from those that are known") {
  CHECK(says(error_for({{"features.conv0.weight", {64, 3, 7, 7}}}), "features.conv0.weight"));
  CHECK(says(error_for({{"features.0.weight", {64, 3, 5, 5}}}), "features.0.weight has the shape"));
  const std::string message =
      error_for({{"a.weight", {1}}, {"b.weight", {1}}, {"c.weight", {1}}, {"d.weight", {1}}});
  CHECK(says(message, "found a.weight, b.weight, c.weight and 1 more"));
  CHECK(says(message, "layer1.0.conv1.weight"));
  CHECK(says(message, "features.0.weight"));
  CHECK(says(error_for({}), "no tensors at all"));
}

TEST_CASE("a name of many parts is no wrapper") {
  std::string dots = "x";
  for (int i = 0; i < 100'000; ++i) dots += ".x";
  CHECK(error_for({{dots, {1}}}).size() < 1000);
}

TEST_CASE("a name with control characters does not reach the terminal") {
  const std::string message = error_for({{"evil\x1b[2J.weight", {1}}});
  CHECK_FALSE(says(message, "\x1b"));
}
