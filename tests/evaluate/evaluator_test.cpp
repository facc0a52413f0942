#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/evaluate.hpp>

#include "evaluate/randomisation.hpp"
#include "explain/paper_model.hpp"
#include "support/message_of.hpp"

using namespace ablaze;
using ablaze::testing::message_of;
using ablaze::testing::paper_model;
using ablaze::testing::says;
using doctest::Approx;

namespace {

/// 4x4, black except for one red pixel in the upper left and green in the lower right quarter. Its pooled map
/// is [[1, 0], [0, 0]] in red and 0.4 at the last location in green: logits 0.25, 0.1, 0, -0.25.
Image two_spots() {
  Image photo(4, 4);
  photo.at(0, 0)[0] = 255;
  for (int y = 2; y < 4; ++y) {
    for (int x = 2; x < 4; ++x) photo.at(x, y)[1] = 102;
  }
  return photo;
}

/// The probability of the first of four logits.
double chance(double a, double b, double c, double d) {
  return std::exp(a) / (std::exp(a) + std::exp(b) + std::exp(c) + std::exp(d));
}

const double of_photo = chance(0.25, 0.1, 0, -0.25);

std::vector<std::string> all_metrics() {
  std::vector<std::string> ids;
  for (const MetricInfo& info : metrics()) ids.push_back(info.id);
  return ids;
}

std::vector<Measurement> measure(const Image& photo, EvaluateOptions options,
                                 std::vector<PixelRectangle> boxes = {}, ExplainOptions explain = {}) {
  Evaluator evaluator(paper_model(), explain, std::move(options));
  return evaluator.measure(photo, std::nullopt, boxes).measurements;
}

Measurement only(const std::string& metric, const Image& photo = two_spots(), EvaluateOptions options = {},
                 std::vector<PixelRectangle> boxes = {}) {
  options.metrics = {metric};
  const auto all = measure(photo, options, std::move(boxes));
  REQUIRE(all.size() == 1);
  CHECK(all[0].metric == metric);
  return all[0];
}

void check_near(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-6));
}

std::string refusal(EvaluateOptions options, ExplainOptions explain = {}, Model model = paper_model()) {
  return message_of([&] { Evaluator(std::move(model), explain, options); });
}

/// A network with weights in three stages, for photos of 12x12 pixels.
Model small_network() {
  Model model = paper_model();
  Graph graph;
  const auto conv = [](std::int64_t out, std::int64_t in) {
    op::Conv2d c;
    Tensor weight({out, in, 3, 3});
    for (std::int64_t i = 0; i < weight.size(); ++i)
      weight[i] = static_cast<float>(std::sin(static_cast<double>(i * i + out)) * 0.4);
    c.weight = weight;
    c.bias = Tensor({out});
    c.padding = {1, 1};
    return c;
  };
  op::BatchNorm norm;
  Tensor variance({8}), ones({8});
  for (float& v : variance.values()) v = 0.25F;
  for (float& v : ones.values()) v = 1;
  norm.mean = Tensor({8});
  norm.variance = variance;
  norm.weight = ones;
  Tensor head({4, 8});
  for (std::int64_t i = 0; i < head.size(); ++i)
    head[i] = static_cast<float>(std::cos(static_cast<double>(i * 3)));
  graph.add("input", op::Input{{3, 0, 0}}, {});
  graph.add("stem.0", conv(8, 3), {0});
  graph.add("stem.1", norm, {1});
  graph.add("stem.2", op::Relu{}, {2});
  graph.add("block.0.conv", conv(8, 8), {3});
  graph.add("block.0.relu", op::Relu{}, {4});
  graph.add("avgpool", op::AdaptiveAvgPool2d{}, {5});
  graph.add("flatten", op::Flatten{}, {6});
  graph.add("fc", op::Linear{head, {}}, {7});
  model.graph = graph;
  model.preprocess = {12, 12, Interpolation::bilinear, {0.5F, 0.5F, 0.5F}, {0.25F, 0.25F, 0.25F}};
  model.default_layer = "block.0.relu";
  return model;
}

Image noise(std::uint64_t seed, int width, int height) {
  Image photo(width, height);
  for (auto& byte : photo.pixels()) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::uint8_t>(seed >> 56U);
  }
  return photo;
}

}  // namespace

// The map [[1, 0], [0, 0]] upsampled to 4x4 is v v' with v = 1, 0.796875, 0.203125, 0 (Keys' cubic at a
// quarter and three quarters of the way from 1 to 0).

TEST_CASE("masked by its map, the photo keeps its red and all but loses its green") {
  const double green = 0.4 * 0.203125 * 0.203125 / 4, masked = chance(0.25, green, 0, -0.25);
  const Measurement drop = only("average-drop");
  CHECK(drop.method == "ablation");
  CHECK(drop.value == 0);
  check_near(drop.curve, {of_photo, masked});
  CHECK(only("increase").value == 100);
  CHECK(only("average-gain").value == Approx(100 * (masked - of_photo) / (1 - of_photo)).epsilon(1e-5));
}

TEST_CASE("insertion brings the red pixel first, the green ones with the third quarter") {
  const Measurement m = only("insertion", two_spots(), {.steps = 4, .insertion = Baseline::mean});
  const double red = chance(0.25, 0, 0, -0.25);
  check_near(m.curve, {0.25, red, red, of_photo, of_photo});
  CHECK(m.value == Approx((0.25 / 2 + red + red + of_photo + of_photo / 2) / 4).epsilon(1e-6));
}

TEST_CASE("deletion takes the red pixel first, the last green one at the end") {
  const Measurement m = only("deletion", two_spots(), {.steps = 4});
  const double green = chance(0, 0.1, 0, 0);
  check_near(m.curve, {of_photo, green, green, green, 0.25});
}

TEST_CASE("coherency, complexity and ADCC") {
  // The masked photo keeps all its red, so its map is the photo's. The mask's sum is (1 + 0.796875 +
  // 0.203125)^2.
  CHECK(only("coherency").value == Approx(1));
  CHECK(only("complexity").value == Approx(4.0 / 16));
  CHECK(only("adcc").value == Approx(0.9));
}

TEST_CASE("the pointing games") {
  const std::vector<PixelRectangle> quarter{{0, 0, 2, 2}}, other{{2, 2, 2, 2}};
  CHECK(only("pointing-game", two_spots(), {.tolerance = 0}, quarter).value == 100);
  CHECK(only("pointing-game", two_spots(), {.tolerance = 0}, other).value == 0);
  // From the pixel's centre, (0.5, 0.5), to the box's corner.
  CHECK(only("pointing-game", two_spots(), {.tolerance = 2.12}, other).value == 0);
  CHECK(only("pointing-game", two_spots(), {.tolerance = 2.13}, other).value == 100);
  const double side = 1.796875;
  CHECK(only("energy-pointing-game", two_spots(), {}, quarter).value == Approx(100 * side * side / 4));
  CHECK(only("energy-pointing-game", two_spots(), {}, other).value == Approx(100 * 0.203125 * 0.203125 / 4));
}

TEST_CASE("without boxes, metrics that need them are left out") {
  EvaluateOptions options{.metrics = {"complexity", "pointing-game", "energy-pointing-game"}};
  const auto all = measure(two_spots(), options);
  REQUIRE(all.size() == 1);
  CHECK(all[0].metric == "complexity");
}

TEST_CASE("a box that the crop cuts off has a value and a note") {
  Image wide(8, 4);  // the crop is the centre half
  wide.at(2, 0)[0] = 255;
  const Measurement m = only("energy-pointing-game", wide, {}, {{0, 0, 2, 4}});
  CHECK(m.value == 0);
  CHECK(says(m.note, "that the network sees"));
}

TEST_CASE("a flat map has values and notes for every metric") {
  const auto all = measure(Image(4, 4), {.metrics = all_metrics()}, {{0, 0, 2, 2}});
  REQUIRE(all.size() == metrics().size());
  for (const Measurement& m : all) {
    CAPTURE(m.metric);
    CHECK(std::isfinite(m.value));
    CHECK(says(m.note, "flat"));
  }
}

TEST_CASE("the class that is explained is the predicted one, or the label") {
  Evaluator predicted(paper_model(), {.classes = {"green"}}, {.metrics = {"complexity"}});
  CHECK(predicted.measure(two_spots(), 1, {}).target.label == "red");
  Evaluator labelled(paper_model(), {}, {.metrics = {"average-drop"}, .of_label = true});
  const PhotoMeasurements of_label = labelled.measure(two_spots(), 1, {});
  const auto& all = of_label.measurements;
  CHECK(of_label.target.label == "green");
  CHECK(all[0].curve[0] == Approx(chance(0.1, 0.25, 0, -0.25)));
  CHECK_THROWS_AS(labelled.measure(two_spots(), std::nullopt, {}), Error);
  CHECK_THROWS_AS(labelled.measure(two_spots(), 4, {}), Error);
}

TEST_CASE("a signed map ranks what speaks against the class below what says nothing") {
  // The fourth class is minus red: after the ReLU its map is constant; before it, all except red is highest.
  const auto of_last = [](bool signed_maps) {
    Evaluator evaluator(
        paper_model(), {},
        {.metrics = {"complexity", "deletion"}, .steps = 4, .of_label = true, .signed_maps = signed_maps});
    return evaluator.measure(two_spots(), 3, {}).measurements;
  };
  const auto after = of_last(false), before = of_last(true);
  CHECK(says(after[0].note, "flat"));
  CHECK(before[0].note.empty());
  CHECK(before[0].value == Approx(1 - 4.0 / 16));
  // Red, in the upper left, changes last instead of first (reading order); then all logits are zero.
  CHECK(after[1].curve[1] > before[1].curve[1]);
  CHECK(before[1].curve[4] == Approx(0.25));
}

TEST_CASE("what makes no sense is refused before any photo") {
  CHECK(says(refusal({.metrics = {"delection"}}), "did you mean deletion"));
  CHECK(says(refusal({.metrics = {}}), "no metric"));
  CHECK(says(refusal({.steps = 0}), "steps"));
  CHECK(says(refusal({.blur_window = 10}), "odd"));
  CHECK(says(refusal({.blur_sigma = 0}), "sigma"));
  CHECK(says(refusal({.tolerance = -1}), "tolerance"));
  CHECK(says(refusal({}, {.methods = {"gradcan"}}), "did you mean gradcam"));
  Model bare = paper_model();
  bare.activation = Activation::none;
  CHECK(says(refusal({}, {}, bare), "needs probabilities"));
  CHECK(refusal({.metrics = {"coherency", "complexity", "randomization"}}, {}, bare).empty());
}

TEST_CASE("a box that is none is refused") {
  for (const PixelRectangle& box : {PixelRectangle{0, 0, 5, 4}, PixelRectangle{2, 0, 0, 4},
                                    PixelRectangle{-1, 0, 3, 4}, PixelRectangle{0, 3, 4, -1}}) {
    CHECK_THROWS_AS(only("pointing-game", two_spots(), {}, {box}), Error);
  }
}

TEST_CASE("measurements do not depend on threads, nor on photos before, nor on other methods") {
  const std::vector<std::string> methods{"ablation", "gradcam", "random"};
  EvaluateOptions options{.metrics = all_metrics(), .steps = 20};
  const Image photo = noise(1, 17, 14);
  const std::vector<PixelRectangle> boxes{{3, 2, 6, 7}};
  Evaluator first(small_network(), {.methods = methods, .execution = {.threads = 1}}, options);
  Evaluator second(small_network(), {.methods = methods, .execution = {.threads = 3}}, options);
  Evaluator alone(small_network(), {.methods = {"gradcam"}, .execution = {.threads = 2}}, options);
  second.measure(noise(2, 30, 12), std::nullopt, {});
  const auto a = first.measure(photo, std::nullopt, boxes).measurements,
             b = second.measure(photo, std::nullopt, boxes).measurements,
             c = alone.measure(photo, std::nullopt, boxes).measurements;
  REQUIRE(a.size() == 3 * metrics().size());
  REQUIRE(b.size() == a.size());
  REQUIRE(c.size() == metrics().size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].metric);
    CHECK(a[i].value == b[i].value);
    CHECK(a[i].curve == b[i].curve);
    CHECK(std::isfinite(a[i].value));
  }
  for (std::size_t i = 0; i < c.size(); ++i) {
    CAPTURE(c[i].metric);
    CHECK(c[i].value == a[metrics().size() + i].value);
    CHECK(c[i].curve == a[metrics().size() + i].curve);
  }
}

TEST_CASE("progress counts the pictures shown and can cancel") {
  Evaluator evaluator(small_network(), {},
                      {.metrics = {"insertion", "coherency", "randomization"}, .steps = 40});
  std::int64_t last = -1, total = 0;
  evaluator.measure(noise(3, 12, 12), std::nullopt, {}, [&](std::int64_t done, std::int64_t of) {
    CHECK(done >= last);
    last = done;
    total = of;
    return true;
  });
  CHECK(last == total);
  CHECK(total == 2 + 39 + 1 + 3);
  CHECK_THROWS_AS(evaluator.measure(noise(3, 12, 12), std::nullopt, {},
                                    [](std::int64_t done, std::int64_t) { return done < 20; }),
                  Cancelled);
}

TEST_CASE("weights are drawn anew from the top down, a convolution's BatchNorm with it") {
  Evaluator evaluator(small_network(), {}, {.metrics = {"randomization"}});
  const auto names = evaluator.randomization_stages();
  CHECK(std::vector<std::string>(names.begin(), names.end()) ==
        std::vector<std::string>{"fc", "block.0", "stem.0"});
  const auto all = evaluator.measure(noise(4, 12, 12), std::nullopt, {}).measurements;
  REQUIRE(all.size() == 1);
  CHECK(all[0].curve.size() == 3);
  for (const double r : all[0].curve) CHECK(std::abs(r) <= 1);
  CHECK(all[0].value == Approx((all[0].curve[0] + all[0].curve[1] + all[0].curve[2]) / 3));
}

TEST_CASE("drawn weights have the spread of an untrained network, and depend on seed and layer alone") {
  const Model model = small_network();
  const auto stages = evaluate::stages_of(model.graph);
  const Graph top = evaluate::randomised(model.graph, std::span(stages).first(1), 0);
  const Graph all = evaluate::randomised(model.graph, stages, 0),
              other = evaluate::randomised(model.graph, stages, 1);
  const auto weight = [](const Graph& graph, const char* layer) {
    const Op& op = graph.node(graph.find(layer)).op;
    const auto* conv = std::get_if<op::Conv2d>(&op);
    const Tensor t = conv != nullptr ? conv->weight.to_tensor() : std::get<op::Linear>(op).weight.to_tensor();
    return std::vector<float>(t.values().begin(), t.values().end());
  };
  CHECK(weight(top, "fc") == weight(all, "fc"));
  CHECK(weight(top, "fc") != weight(model.graph, "fc"));
  CHECK(weight(top, "block.0.conv") == weight(model.graph, "block.0.conv"));
  CHECK(weight(other, "block.0.conv") != weight(all, "block.0.conv"));
  const double bound = std::sqrt(6.0 / (8 * 9));
  double squares = 0;
  for (const float w : weight(all, "block.0.conv")) {
    CHECK(std::abs(w) <= bound);
    squares += static_cast<double>(w) * static_cast<double>(w);
  }
  CHECK(squares / (8 * 8 * 9) == Approx(bound * bound / 3).epsilon(0.1));
  const auto& norm = std::get<op::BatchNorm>(all.node(all.find("stem.1")).op);
  CHECK(norm.variance.to_tensor()[3] == 1);
  CHECK(all.contains("features") == model.graph.contains("features"));
}
