// The methods on networks with closed-form results, or small enough to enumerate all cases.

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "cam/ask.hpp"
#include "support/message_of.hpp"
#include "support/seeded.hpp"
#include "support/tensors.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

/// conv -> relu -> global average pool -> linear: 5 channels of 4x6, 3 classes.
Asked pooled_network() {
  Graph graph;
  graph.add("input", op::Input{{3, 4, 6}}, {});
  graph.add("conv", op::Conv2d{seeded_tensor("conv.weight", {5, 3, 3, 3}), {}, {1, 1}, {1, 1}}, {0});
  graph.add("relu", op::Relu{}, {1});
  graph.add("avgpool", op::AdaptiveAvgPool2d{}, {2});
  graph.add("flatten", op::Flatten{}, {3});
  graph.add("fc", op::Linear{seeded_tensor("fc.weight", {3, 5}), seeded_tensor("fc.bias", {3})}, {4});
  return {graph, seeded_tensor("input", {1, 3, 4, 6}), "relu"};
}

/// A layer of `channels` with a nonlinear tail: conv, relu, pool, two linear layers.
Asked deep_network(int channels) {
  Graph graph;
  graph.add("input", op::Input{{3, 7, 5}}, {});
  graph.add("conv1", op::Conv2d{seeded_tensor("conv1.weight", {channels, 3, 3, 3}), {}, {1, 1}, {1, 1}}, {0});
  graph.add("relu1", op::Relu{}, {1});
  graph.add("conv2",
            op::Conv2d{seeded_tensor("conv2.weight", {7, channels, 3, 3}), seeded_tensor("conv2.bias", {7})},
            {2});
  graph.add("relu2", op::Relu{}, {3});
  graph.add("avgpool", op::AdaptiveAvgPool2d{}, {4});
  graph.add("flatten", op::Flatten{}, {5});
  graph.add("fc1", op::Linear{seeded_tensor("fc1.weight", {9, 7}), seeded_tensor("fc1.bias", {9})}, {6});
  graph.add("relu3", op::Relu{}, {7});
  graph.add("fc2", op::Linear{seeded_tensor("fc2.weight", {4, 9}), seeded_tensor("fc2.bias", {4})}, {8});
  return {graph, seeded_tensor("input", {1, 3, 7, 5}), "relu1"};
}

/// The logit is 1 - ReLU(1 - a_0 - a_1) + a_2 / 2 of four channels of one location; it does not depend on
/// a_3.
Asked two_copies(float a0, float a1) {
  Graph graph;
  graph.add("input", op::Input{{4, 1, 1}}, {});
  graph.add("relu", op::Relu{}, {0});
  graph.add("either", op::Conv2d{tensor({2, 4, 1, 1}, {-1, -1, 0, 0, 0, 0, 1, 0}), tensor({2}, {1, 0})}, {1});
  graph.add("relu2", op::Relu{}, {2});
  graph.add("avgpool", op::AdaptiveAvgPool2d{}, {3});
  graph.add("flatten", op::Flatten{}, {4});
  graph.add("fc", op::Linear{tensor({1, 2}, {-1, 0.5}), tensor({1}, {1})}, {5});
  return {graph, tensor({1, 4, 1, 1}, {a0, a1, 1, 1}), "relu"};
}

void check_close(const Tensor& found, const Tensor& expected, double factor = 1) {
  REQUIRE(found.shape() == expected.shape());
  double error = 0, norm = 0;
  for (std::int64_t i = 0; i < found.size(); ++i) {
    error += std::pow(found[i] - factor * expected[i], 2);
    norm += std::pow(factor * expected[i], 2);
  }
  REQUIRE(norm > 0);
  CHECK(std::sqrt(error / norm) <= 1e-5);
}

void check_close(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-5).scale(1e-6));
}

double total(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

/// Exact Shapley values of a layer's channels, from the scores of all their sets.
std::vector<double> enumerated(const Asked& network, const Score& score, int channels) {
  std::vector<std::vector<int>> gone;
  for (unsigned left = 0; left < 1U << channels; ++left) {
    gone.emplace_back();
    for (int k = 0; k < channels; ++k) {
      if ((left >> k & 1U) == 0) gone.back().push_back(k);
    }
  }
  const Drops drops = network.trace().ablate_sets(network.layer(), {}, gone, {&score, 1});
  std::vector<double> values(channels);
  for (unsigned left = 0; left < 1U << channels; ++left) {
    for (int k = 0; k < channels; ++k) {
      if ((left >> k & 1U) != 0) continue;
      const int size = std::popcount(left);
      const double orders = std::tgamma(size + 1) * std::tgamma(channels - size) / std::tgamma(channels + 1);
      values[k] += orders * (drops.drops[0][left] - drops.drops[0][left | 1U << k]);
    }
  }
  return values;
}

const std::vector<Score> second_class{{.index = 1}};

}  // namespace

TEST_CASE("behind a global average pool and a linear layer the gradient methods are CAM, over the places") {
  const Asked network = pooled_network();
  const Tensor cam = network.by("cam", second_class)[0].signed_map;
  CHECK(cam.shape() == Shape{4, 6});
  for (const char* method : {"gradcam", "xgradcam", "hirescam", "shapleycam", "reciprocam"}) {
    CAPTURE(method);
    check_close(network.by(method, second_class)[0].signed_map, cam, 1.0 / 24);
  }
}

TEST_CASE(
    "behind a global average pool and a linear layer drop, Shapley value and path integral are W mean(A)") {
  const Asked network = pooled_network();
  const Tensor a = network.trace().activation("relu");
  const Tensor weight = seeded_tensor("fc.weight", {3, 5});
  std::vector<double> expected;
  for (std::int64_t k = 0; k < 5; ++k) {
    const auto plane = a.values().subspan(24 * k, 24);
    expected.push_back(weight[5 + k] * std::accumulate(plane.begin(), plane.end(), 0.0) / 24);
  }
  check_close(network.by("ablation", second_class)[0].drops, expected);
  check_close(network.by("shapley", second_class)[0].findings.attributions, expected);
  const cam::Result path = network.by("integrated-gradients", second_class)[0];
  check_close(path.findings.attributions, expected);
  CHECK(path.findings.completeness->evaluations == 1);
}

TEST_CASE("a method's map is the positive part of its signed map, whatever the score") {
  const Asked network = deep_network(6);
  for (const cam::Method* method : cam::methods()) {
    if (method->id == "cam") continue;
    CAPTURE(method->id);
    for (const Score::Kind kind : {Score::Kind::logit, Score::Kind::probability, Score::Kind::margin}) {
      const Score score{kind, 2, Activation::softmax, 0};
      const cam::Result result = network.by(method->id, {score})[0];
      REQUIRE(result.map.shape() == Shape{7, 5});
      for (std::int64_t p = 0; p < result.map.size(); ++p) {
        CHECK(std::isfinite(result.signed_map[p]));
        CHECK(result.map[p] == std::max(result.signed_map[p], 0.0F));
      }
    }
  }
}

TEST_CASE("several classes are answered in one call, in order, as each alone") {
  const Asked network = deep_network(6);
  for (const cam::Method* method : cam::methods()) {
    if (method->id == "cam") continue;
    CAPTURE(method->id);
    const auto both = network.by(method->id, {{.index = 3}, {.index = 0}});
    REQUIRE(both.size() == 2);
    check_close(both[1].signed_map, network.by(method->id, {{.index = 0}})[0].signed_map);
  }
}

TEST_CASE("a dead layer gives zero maps, never nan") {
  Graph graph;
  graph.add("input", op::Input{{2, 3, 3}}, {});
  graph.add("relu", op::Relu{}, {0});
  graph.add("avgpool", op::AdaptiveAvgPool2d{}, {1});
  graph.add("flatten", op::Flatten{}, {2});
  graph.add("fc", op::Linear{tensor({2, 2}, {1, -1, -2, 0.5}), {}}, {3});
  for (const float value : {-1.0F, 0.0F}) {
    Tensor input({1, 2, 3, 3});
    std::ranges::fill(input.values(), value);
    const Asked network(graph, input, "relu");
    for (const cam::Method* method : cam::methods()) {
      CAPTURE(method->id);
      const cam::Result result = network.by(method->id, {{.index = 0}})[0];
      CHECK(std::ranges::all_of(result.map.values(), [](float v) { return v == 0; }));
      CHECK_FALSE(result.note.empty());
    }
  }
}

TEST_CASE("Score-CAM leaves flat channels out") {
  Graph graph;
  graph.add("input", op::Input{{2, 2, 2}}, {});
  graph.add("relu", op::Relu{}, {0});
  graph.add("avgpool", op::AdaptiveAvgPool2d{}, {1});
  graph.add("flatten", op::Flatten{}, {2});
  graph.add("fc", op::Linear{tensor({1, 2}, {1, 1}), {}}, {3});
  const Asked network(graph, tensor({1, 2, 2, 2}, {3, 3, 3, 3, 0, 1, 2, 4}), "relu");
  const cam::Result result = network.by("scorecam", {{.index = 0}})[0];
  check_close(result.weights, {0, 1});
  check_close(result.map, tensor({2, 2}, {0, 1, 2, 4}));
}

TEST_CASE("two channels that stand in for each other have no drops, share the credit, and interact by -1") {
  const Asked network = two_copies(1, 1);
  const MethodOptions options{.until = 1e-3, .interactions = 3};
  const cam::Result ablated = network.by("ablation", {{.index = 0}}, options)[0];
  check_close(ablated.drops, {0, 0, 0.5, 0});
  REQUIRE(ablated.findings.interactions);
  const Interactions& found = *ablated.findings.interactions;
  CHECK(found.channels == std::vector<int>{0, 1, 2});
  REQUIRE(found.redundant.size() == 1);
  CHECK(found.redundant[0].first == 0);
  CHECK(found.redundant[0].second == 1);
  CHECK(found.redundant[0].value == doctest::Approx(-1));
  CHECK(found.synergistic.empty());
  check_close(found.matrix[0], {0, -1, 0});
  check_close(found.matrix[2], {0, 0, 0.5});

  const cam::Result shared = network.by("shapley", {{.index = 0}}, options)[0];
  check_close(shared.findings.attributions, {0.5, 0.5, 0.5, 0});
}

TEST_CASE("two channels that only act together interact by +1") {
  // ReLU(a_0 + a_1 - 1) at a_0 = a_1 = 1: each drop is 1, and both together drop no more than 1.
  Graph graph;
  graph.add("input", op::Input{{2, 1, 1}}, {});
  graph.add("relu", op::Relu{}, {0});
  graph.add("both", op::Conv2d{tensor({1, 2, 1, 1}, {1, 1}), tensor({1}, {-1})}, {1});
  graph.add("relu2", op::Relu{}, {2});
  graph.add("flatten", op::Flatten{}, {3});
  graph.add("fc", op::Linear{tensor({1, 1}, {1}), {}}, {4});
  const Asked network(graph, tensor({1, 2, 1, 1}, {1, 1}), "relu");
  const Interactions found =
      *network.by("ablation", {{.index = 0}}, {.interactions = 2})[0].findings.interactions;
  REQUIRE(found.synergistic.size() == 1);
  CHECK(found.synergistic[0].value == doctest::Approx(1));
  CHECK(found.redundant.empty());
}

TEST_CASE("sampled Shapley values add up, and lie within three standard errors of enumeration") {
  for (const int channels : {1, 4, 10}) {
    CAPTURE(channels);
    const Asked network = deep_network(channels);
    for (const Score::Kind kind : {Score::Kind::logit, Score::Kind::probability}) {
      const Score score{kind, 2, Activation::softmax};
      const cam::Result result = network.by("shapley", {score}, {.seed = 3, .until = 0.05})[0];
      const std::vector<double> exact = enumerated(network, score, channels);
      const Findings& found = result.findings;
      REQUIRE(found.attributions.size() == exact.size());
      for (std::size_t k = 0; k < exact.size(); ++k)
        CHECK(std::abs(found.attributions[k] - exact[k]) <= 3 * found.standard_errors[k] + 1e-6);
      const double whole = found.completeness->whole;
      CHECK(std::abs(total(found.attributions) - whole) <= 1e-5 * std::abs(whole));
      CHECK(whole == doctest::Approx(total(exact)).epsilon(1e-5));
      const double y = network.trace().ablate("relu1", {}, {&score, 1}).scores[0];
      CHECK(*std::ranges::max_element(found.standard_errors) <= 0.05 * std::abs(y));
    }
  }
}

TEST_CASE("more Shapley samples of another seed agree within their errors") {
  const Asked network = deep_network(8);
  const std::vector<Score> third_class{{.index = 2}};
  const Findings a = network.by("shapley", third_class, {.seed = 1, .until = 0.1})[0].findings;
  const Findings b = network.by("shapley", third_class, {.seed = 2, .until = 0.005})[0].findings;
  CHECK(b.completeness->evaluations > a.completeness->evaluations);
  for (std::size_t k = 0; k < a.attributions.size(); ++k)
    CHECK(std::abs(a.attributions[k] - b.attributions[k]) <=
          4 * std::hypot(a.standard_errors[k], b.standard_errors[k]) + 1e-6);
}

TEST_CASE("the path integral's parts add up to y(A) - y(0) within a thousandth") {
  const Asked network = deep_network(8);
  for (const Score::Kind kind : {Score::Kind::logit, Score::Kind::probability, Score::Kind::margin}) {
    const Score score{kind, 1, Activation::softmax, 2};
    const cam::Result result = network.by("integrated-gradients", {score})[0];
    const Completeness& parts = *result.findings.completeness;
    CHECK(std::abs(parts.gap) <= 1e-3 * std::abs(parts.whole));
    CHECK(total(result.findings.attributions) == doctest::Approx(parts.whole + parts.gap));
    CHECK(parts.evaluations > 1);
  }
}

TEST_CASE("a channel's path leads from gradient times activation to its drop") {
  const Asked network = deep_network(6);
  const cam::Result result = network.by("ablation", second_class, {.paths = 4})[0];
  const Tensor a = network.trace().activation("relu1");
  const Tensor g = network.trace().gradient("relu1", second_class).gradients[0];
  REQUIRE(result.findings.paths.size() == 4);
  double last = std::abs(result.drops[result.findings.paths[0].channel]);
  for (const ChannelPath& path : result.findings.paths) {
    REQUIRE(path.scales.size() == 11);
    const double drop = result.drops[path.channel];
    CHECK(path.scales.back() == 0);
    CHECK(path.values.back() == doctest::Approx(drop).epsilon(1e-5));
    CHECK(std::abs(drop) <= last);
    last = std::abs(drop);
    double expected = 0;
    for (std::int64_t p = path.channel * 35; p < (path.channel + 1) * 35; ++p)
      expected += static_cast<double>(a[p]) * static_cast<double>(g[p]);
    CHECK(path.scales.front() == 1);
    CHECK(path.values.front() == doctest::Approx(expected));
  }
}

TEST_CASE("Finer-CAM is its base method, asked for the mean difference to the nearest classes") {
  const Asked network = deep_network(6);
  const MethodOptions options{.base = "hirescam", .references = 2, .strength = 0.5};
  const cam::Result result = network.by("finercam", second_class, options)[0];
  REQUIRE(result.findings.against.size() == 2);
  const Tensor logits = network.trace().logits();
  const auto distance = [&](std::int64_t c) { return std::abs(logits[c] - logits[1]); };
  CHECK(distance(result.findings.against[0]) <= distance(result.findings.against[1]));

  Tensor expected = network.by("hirescam", second_class)[0].signed_map;
  for (const std::int64_t c : result.findings.against) {
    const Tensor other = network.by("hirescam", {{.index = c}})[0].signed_map;
    for (std::int64_t p = 0; p < expected.size(); ++p) expected[p] -= 0.25F * other[p];
  }
  check_close(result.signed_map, expected);
}

TEST_CASE("Finer-CAM refuses what cannot be compared") {
  const Asked network = deep_network(6);
  const auto message = [&](const MethodOptions& options) {
    return message_of([&] { network.by("finercam", second_class, options); });
  };
  CHECK(message({.base = "finercam"}).find("give another method") != std::string::npos);
  CHECK(message({.base = "nonsense"}).find("nonsense") != std::string::npos);
  CHECK(message({.references = 0}).find("at least one") != std::string::npos);
  CHECK(message_of([&] { two_copies(1, 1).by("finercam", {{.index = 0}}); }).find("two classes") !=
        std::string::npos);
}

TEST_CASE("CAM says where it cannot be had, and what to use instead") {
  const auto message = [](const Asked& network) {
    return message_of([&] { network.by("cam", {{.index = 0}}); });
  };
  CHECK(message(deep_network(3)).find("one linear layer") != std::string::npos);
  CHECK(message(deep_network(3)).find("gradcam") != std::string::npos);
  Graph graph;
  graph.add("input", op::Input{{3, 4, 4}}, {});
  graph.add("relu", op::Relu{}, {0});
  graph.add("conv", op::Conv2d{seeded_tensor("conv.weight", {5, 3, 1, 1}), {}}, {1});
  graph.add("avgpool", op::AdaptiveAvgPool2d{}, {2});
  graph.add("flatten", op::Flatten{}, {3});
  graph.add("fc", op::Linear{seeded_tensor("fc.weight", {3, 5}), {}}, {4});
  CHECK(message({graph, seeded_tensor("input", {1, 3, 4, 4}), "relu"}).find("reads, conv, not relu") !=
        std::string::npos);
}

TEST_CASE("random weights depend on the seed, the class and the channel, and on nothing else") {
  const Asked network = pooled_network();
  const auto weights = [&](std::uint64_t seed, std::vector<Score> scores) {
    return network.by("random", scores, {.seed = seed}).back().weights;
  };
  CHECK(weights(1, {{.index = 0}}) == weights(1, {{.index = 2}, {.index = 0}}));
  CHECK(weights(1, {{.index = 0}}) != weights(2, {{.index = 0}}));
  CHECK(weights(1, {{.index = 0}}) != weights(1, {{.index = 1}}));
}

TEST_CASE("options out of range are refused, and long work can be cancelled") {
  const Asked network = deep_network(4);
  CHECK_THROWS_AS(network.by("shapley", second_class, {.until = 0}), UsageError);
  CHECK_THROWS_AS(network.by("ablation", second_class, {.interactions = 1}), UsageError);
  CHECK_THROWS_AS(network.by("ablation", second_class, {.paths = -1}), UsageError);
  const Progress stop = [](std::int64_t, std::int64_t) { return false; };
  for (const char* method : {"ablation", "scorecam", "reciprocam", "shapley", "integrated-gradients"}) {
    CAPTURE(method);
    CHECK_THROWS_AS(network.by(method, second_class, {}, {}, stop), Cancelled);
  }
}
