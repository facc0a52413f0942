#include "models/metadata.hpp"

#include <cmath>
#include <functional>

#include <doctest/doctest.h>

#include "models/load.hpp"
#include "models/synthetic.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

constexpr const char* kPreprocess =
    R"({"size":40,"crop":32,"interpolation":"bilinear","mean":[0.5,0.25,0.125],"std":[1,2,4]})";

/// A thin ResNet of five classes with these metadata.
Model load(const models::Metadata& metadata) {
  formats::TensorFile content{zeros(resnet_shapes(thin_resnet(false))), metadata};
  return models::make_model(content, models::identify(content, "a.file"), "a.file");
}

bool refused(const std::string& key, const std::string& value, const std::string& word) {
  const std::string message = error_of([&] { load({{"ablaze." + key, value}}); });
  CAPTURE(message);
  CHECK(message.find("a.file") != std::string::npos);
  CHECK(message.find("ablaze." + key) != std::string::npos);
  CHECK(message.find(word) != std::string::npos);
  CHECK(message.size() < 600);
  return !message.empty();
}

std::string with(const std::string& text, const std::string& from, const std::string& to) {
  std::string out = text;
  return out.replace(out.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("a plain file has its family's defaults") {
  const Model model = load({{"format", "pt"}});
  CHECK(model.architecture == "resnet18_thin");
  CHECK(model.preprocess.resize == 256);
  CHECK(model.preprocess.crop == 224);
  CHECK(model.preprocess.mean == Preprocess{}.mean);
  CHECK(model.activation == Activation::softmax);
  CHECK(model.labels.empty());
  CHECK(model.class_count() == 5);
  CHECK(model.label(3) == "class 3");
  CHECK(model.default_layer == "layer4");
  CHECK_FALSE(model.selftest);
  CHECK(model.source == "a.file");
}

TEST_CASE("metadata say how a model is used") {
  const Model model =
      load({{"ablaze.version", "1"},
            {"ablaze.architecture", "resnet18_flowers"},
            {"ablaze.labels", R"(["a","b","c","d, or \u00e9","e"])"},
            {"ablaze.preprocess", kPreprocess},
            {"ablaze.activation", "sigmoid"},
            {"ablaze.provenance", "made here"},
            {"ablaze.selftest", R"({"shape":[1,3,8,9],"seed":18446744073709551615,"logits":[1,2,3,4,-0.5]})"},
            {"ablaze.future", "whatever"}});
  CHECK(model.architecture == "resnet18_flowers");
  CHECK(model.label(3) == "d, or \u00e9");
  CHECK(model.label(5) == "class 5");
  CHECK(model.label(-1) == "class -1");
  CHECK(model.preprocess.resize == 40);
  CHECK(model.input_shape() == Shape{1, 3, 32, 32});
  CHECK(model.preprocess.std == std::array<float, 3>{1, 2, 4});
  CHECK(model.activation == Activation::sigmoid);
  CHECK(model.provenance == "made here");
  REQUIRE(model.selftest);
  CHECK(model.selftest->input_shape == Shape{1, 3, 8, 9});
  CHECK(model.selftest->seed == ~std::uint64_t{0});
  CHECK(model.selftest->logits.back() == -0.5F);
}

TEST_CASE("what is written is what is read") {
  Model model = load({});
  model.labels = {"tench", "d\"q\\", "\u00e9", "x y", "z"};
  model.preprocess = {.resize = 224, .crop = 224};
  model.activation = Activation::none;
  model.provenance = "line\nline";
  model.selftest = SelfTest{{1, 3, 64, 64}, 7, {0.1F, -1e-30F, 3e38F, std::nextafter(1.0F, 2.0F), -0.0F}};
  const models::Metadata metadata = models::metadata_of(model);
  CHECK(metadata.at("ablaze.preprocess").find("0.485") != std::string::npos);
  CHECK(metadata.at("ablaze.preprocess").find("0.48500") == std::string::npos);
  const Model again = load(metadata);
  CHECK(again.labels == model.labels);
  CHECK(again.preprocess.resize == 224);
  CHECK(again.preprocess.mean == model.preprocess.mean);
  CHECK(again.activation == Activation::none);
  CHECK(again.provenance == model.provenance);
  CHECK(again.selftest->logits == model.selftest->logits);
  CHECK(again.architecture == "resnet18_thin");
}

TEST_CASE("text that is not UTF-8 cannot be written, and the error says which") {
  Model model = load({});
  model.labels = {"a", "b", "caf\xe9", "d", "e"};
  CHECK(error_of([&] { models::metadata_of(model); }).find("label 2") != std::string::npos);
  model.labels.clear();
  model.provenance = "\xff";
  CHECK(error_of([&] { models::metadata_of(model); }).find("provenance") != std::string::npos);
}

TEST_CASE("a version that this program does not know is refused") {
  CHECK(refused("version", "2", "newer"));
  CHECK(refused("version", "", "version 1"));
  CHECK(refused("version", "1 ", "version 1"));
}

TEST_CASE("an architecture of another family is refused") {
  CHECK(refused("architecture", "vgg16", "resnet, resnext or wide_resnet"));
  CHECK(load({{"ablaze.architecture", "wide_resnet50_2"}}).architecture == "wide_resnet50_2");
}

TEST_CASE("labels that do not fit the classes are refused") {
  CHECK(refused("labels", R"(["a","b","c","d"])", "found 4 labels, but the network has 5 classes"));
  CHECK(refused("labels", R"(["a","b","c","d",5])", "strings"));
  CHECK(refused("labels", R"(["a","b","","d","e"])", "label 2 is empty"));
  CHECK(refused("labels", R"({"a":1})", "array"));
  CHECK(refused("labels", "a,b,c,d,e", "JSON"));
  CHECK(refused("labels", R"(["a","b","c","d","e")", "JSON"));
  CHECK(refused("labels", "[\"a\",\"b\",\"c\",\"d\",\"\xe9\"]", "JSON"));
  CHECK(refused("labels", "", "JSON"));
  CHECK(refused("labels", std::string(100'000, '['), "JSON"));
  CHECK(refused("labels", std::string(100'000, '[') + std::string(100'000, ']'), "JSON"));
  CHECK(refused("labels", std::string(std::size_t{17} << 20, ' '), "16 MiB"));
}

TEST_CASE("a preprocessing that makes no sense is refused") {
  const std::string good = kPreprocess;
  CHECK_NOTHROW(load({{"ablaze.preprocess", good}}));
  CHECK(refused("preprocess", "[]", "object"));
  CHECK(refused("preprocess", "{}", "\"size\""));
  for (const char* bad :
       {"0", "-1", "4097", "1e3", "32.0", "\"32\"", "null", "18446744073709551615", "[[[[1]]]]"}) {
    CHECK(refused("preprocess", with(good, "\"crop\":32", std::string("\"crop\":") + bad), ""));
    CHECK(refused("preprocess", with(good, "\"size\":40", std::string("\"size\":") + bad), ""));
  }
  CHECK(refused("preprocess", with(good, "bilinear", "nearest"), "nearest"));
  CHECK(refused("preprocess", with(good, "\"bilinear\"", "7"), "bilinear"));
  CHECK(refused("preprocess", with(good, "[1,2,4]", "[1,2]"), "three numbers"));
  CHECK(refused("preprocess", with(good, "[1,2,4]", "[1,2,0]"), "above 0"));
  CHECK(refused("preprocess", with(good, "[1,2,4]", "[1,2,-4]"), "above 0"));
  CHECK(refused("preprocess", with(good, "[1,2,4]", "[1,2,1e-60]"), "above 0"));
  CHECK(refused("preprocess", with(good, "[1,2,4]", "[1,2,1e60]"), "finite"));
  CHECK(refused("preprocess", with(good, "[1,2,4]", "[1,2,1e999]"), ""));
  CHECK(refused("preprocess", with(good, "0.125", "null"), "finite"));
  CHECK(refused("preprocess", with(good, "[0.5,0.25,0.125]", "0.5"), "three numbers"));
}

TEST_CASE("an unknown activation is refused") {
  CHECK(refused("activation", "Softmax", "softmax, sigmoid or none"));
  CHECK(refused("activation", "", "softmax, sigmoid or none"));
}

TEST_CASE("a self-test that cannot be run is refused") {
  const std::string good = R"({"shape":[1,3,8,8],"seed":1,"logits":[1,2,3,4,5]})";
  CHECK_NOTHROW(load({{"ablaze.selftest", good}}));
  for (const char* bad :
       {"[1,3,8]", "[2,3,8,8]", "[1,1,8,8]", "[1,3,0,8]", "[1,3,8,100000]", "[1,3,8,-8]", "8", "null"}) {
    CHECK(refused("selftest", with(good, "[1,3,8,8]", bad), "shape"));
  }
  for (const char* bad : {"-1", "1.5", "\"1\"", "18446744073709551616", "null"}) {
    CHECK(refused("selftest", with(good, "\"seed\":1", std::string("\"seed\":") + bad), "seed"));
  }
  for (const char* bad : {"[1,2,3,4]", "[1,2,3,4,5,6]", "{}", "[1,2,3,4,null]", "[1,2,3,4,1e300]", "5"}) {
    CHECK(refused("selftest", with(good, "[1,2,3,4,5]", bad), "logits"));
  }
}

TEST_CASE("metadata: an architecture's name does not bring control characters to the terminal") {
  CHECK(models::declared_architecture({{"ablaze.architecture", "vgg11_bn"}}) == "vgg11_bn");
  const std::string shown = models::declared_architecture({{"ablaze.architecture", "vgg\x1b[31m\n"}});
  CHECK(shown.starts_with("vgg"));
  CHECK(shown.find_first_of("\x1b\n") == std::string::npos);
}
