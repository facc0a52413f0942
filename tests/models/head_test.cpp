#include <cmath>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <ablaze/model.hpp>
#include <ablaze/session.hpp>

#include "models/load.hpp"
#include "models/synthetic.hpp"
#include "support/shared_data.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

/// The input of tests/data/models/make_heads.py.
Tensor numbered_input(std::int64_t side) {
  Tensor input(Shape{1, 3, side, side});
  std::uint32_t j = 0;
  for (float& value : input.values()) {
    value = static_cast<float>(static_cast<double>(j * 2654435761U) / 4294967296.0 * 4 - 2);
    ++j;
  }
  return input;
}

std::vector<double> logits_of(const Model& model, std::int64_t side) {
  SessionOptions options;
  options.input = {1, 3, side, side};
  const Tensor logits = Session(model.graph, std::move(options)).run(numbered_input(side)).logits();
  return {logits.values().begin(), logits.values().end()};
}

models::Identified identified(const Shapes& shapes) {
  return models::identify({zeros(shapes), {}, {}, {}, {}}, "made.up");
}

std::string refused(const Shapes& shapes) {
  return error_of([&] { identified(shapes); });
}

/// A small ResNet without its head.
Shapes body() {
  Shapes shapes = resnet_shapes(thin_resnet(false));
  std::erase_if(shapes, [](const auto& tensor) { return tensor.first.starts_with("fc."); });
  return shapes;
}

std::int64_t body_width() { return resnet_shapes(thin_resnet(false)).at("fc.weight")[1]; }

void add_linear(Shapes& shapes, const std::string& name, std::int64_t outputs, std::int64_t inputs) {
  shapes[name + ".weight"] = {outputs, inputs};
  shapes[name + ".bias"] = {outputs};
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("heads as fine-tuning leaves them give PyTorch's logits") {
  std::ifstream file(test_data("models/heads.json"));
  const auto expected = nlohmann::json::parse(file);
  REQUIRE(expected.size() == 19);
  for (const auto& [key, network] : expected.items()) {
    const std::string name = key;  // a structured binding cannot be captured with clang 14
    CAPTURE(name);
    const Model model = load_model(test_data("models/" + name + ".pth").string());
    const auto side = network.at("size").get<std::int64_t>();
    const std::vector<double> logits = logits_of(model, side);
    REQUIRE(logits.size() == network.at("logits").size());
    double largest = 0;
    for (const auto& logit : network.at("logits")) largest = std::max(largest, std::abs(logit.get<double>()));
    for (std::size_t i = 0; i < logits.size(); ++i)
      CHECK(std::abs(logits[i] - network.at("logits")[i].get<double>()) < 1e-5 * largest);
  }
}

TEST_CASE("what a head's names do not tell is assumed aloud, and only that") {
  const auto notes = [](const char* name) {
    std::string all;
    for (const std::string& note :
         load_model(test_data(std::string("models/") + name + ".pth").string()).notes)
      all += note + "\n";
    return all;
  };
  CHECK(says(notes("resnet_two"), "fc.1 ReLU, fc.2 Dropout. If they are others: export the network to ONNX"));
  CHECK(says(notes("resnet_relu_only"), "fc.1 ReLU. If"));
  CHECK(says(notes("resnet_three"), "fc.2 and fc.5 ReLU, fc.3 and fc.6 Dropout"));
  CHECK(says(notes("vgg_nested"), "classifier.6.1 ReLU"));
  CHECK(says(notes("vgg_nested_late"), "classifier.1 and classifier.4 ReLU"));
  // The features before the head are not negative: ReLU and Dropout do not change them.
  for (const char* name : {"resnet_late", "resnet_fourth", "resnet_nothing_between", "resnet_last_linear"})
    CHECK(notes(name).empty());
}

TEST_CASE("a VGG's photos have the size that its first linear layer calls for") {
  const auto model = [](const char* name) {
    return load_model(test_data(std::string("models/") + name + ".pth").string());
  };
  for (const auto& [name, side] : std::vector<std::pair<const char*, int>>{
           {"vgg_linear", 32}, {"vgg_two", 32}, {"vgg_64", 64}, {"vgg_averaged", 32}, {"vgg_nested", 224}}) {
    const Model found = model(name);
    CHECK(found.preprocess.crop == side);
    const bool told = !found.notes.empty() && says(found.notes[0], std::to_string(side) + " x ");
    CHECK(told == (side != 224));
  }
  // Without an average pool other sizes are refused; with one they are right.
  const Model strict = model("vgg_linear"), averaging = model("vgg_averaged");
  CHECK(says(error_of([&] { strict.graph.infer_shapes({1, 3, 64, 64}); }), "made for 4 features"));
  CHECK(averaging.graph.infer_shapes({1, 3, 224, 224}).back() == Shape{1, 3});
  CHECK(says(averaging.notes.at(0), "--size"));
}

TEST_CASE("heads of other names, and beside a wrapped body") {
  for (const std::string head : {"fc", "classifier", "head", "linear", "last_linear", "fc.1", "fc.linear",
                                 "classifier.0.2", "head.3"}) {
    Shapes shapes = body();
    add_linear(shapes, head, 5, body_width());
    CHECK(identified(shapes).network.graph.infer_shapes({1, 3, 64, 64}).back() == Shape{1, 5});
    Shapes wrapped;
    for (const auto& [name, shape] : body()) wrapped["module.encoder." + name] = shape;
    add_linear(wrapped, "module." + head, 5, body_width());
    CHECK(identified(wrapped).network.graph.infer_shapes({1, 3, 64, 64}).back() == Shape{1, 5});
  }
}

TEST_CASE("heads that cannot be told from their names are refused, with the way that works") {
  const auto with = [](const std::vector<std::pair<std::string, Shape>>& extra) {
    Shapes shapes = body();
    for (const auto& [name, shape] : extra) shapes[name] = shape;
    return refused(shapes);
  };
  const std::int64_t n = body_width();
  const auto two = [&](const std::string& a, const std::string& b) {
    return with({{a + ".weight", {6, n}}, {a + ".bias", {6}}, {b + ".weight", {5, 6}}, {b + ".bias", {5}}});
  };
  CHECK(two("fc.0", "fc.3").empty());
  CHECK(says(two("fc.0", "fc.4"), "room for 3 layers"));
  CHECK(says(two("fc.0", "fc.900000"), "room for 899999 layers"));
  CHECK(says(two("fc.0.0", "fc.1"), "a Sequential of its own"));
  CHECK(says(two("fc.0", "fc.3.2"), "several layers at the start of fc.3"));
  CHECK(says(two("fc.first", "fc.second"), "neither their order"));
  CHECK(says(two("fc.0", "fc.99999999999"), "neither their order"));
  CHECK(says(with({{"fc.0.weight", {n}}, {"fc.0.bias", {n}}, {"fc.1.weight", {5, n}}}), "no running_mean"));
  CHECK(says(with({}), "has no head"));
  for (const std::string& error : {two("fc.0", "fc.4"), two("fc.first", "fc.second"), with({})})
    CHECK(says(error, "torch.onnx.export"));
}
