#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "cam/method.hpp"
#include "support/message_of.hpp"
#include "support/tensors.hpp"

using namespace ablaze;
using ablaze::testing::message_of;
using ablaze::testing::tensor;

namespace {

/// relu -> global average pool -> linear, over two channels of 2x2: small enough to compute by hand.
Graph paper_network(float bias_of_first) {
  Graph graph;
  graph.add("input", op::Input{{2, 2, 2}}, {});
  graph.add("relu", op::Relu{}, {0});
  graph.add("avgpool", op::AdaptiveAvgPool2d{}, {1});
  graph.add("flatten", op::Flatten{}, {2});
  graph.add("fc", op::Linear{tensor({2, 2}, {1, -1, -2, 0.5}), tensor({2}, {bias_of_first, -3})}, {3});
  return graph;
}

// A_0 has mean 2.5, A_1 mean 1.
const Tensor photo = tensor({1, 2, 2, 2}, {1, 2, 3, 4, 0, 0, 0, 4});

std::vector<cam::Result> explain(const Graph& graph, const Tensor& input, std::vector<Score> scores,
                                 const Ablation& ablation = {}) {
  SessionOptions options;
  options.input = input.shape();
  options.keep = {"relu"};
  const Session session(graph, options);
  const Trace trace = session.run(input);
  std::vector<cam::Target> targets;
  for (const Score& score : scores) targets.push_back({{{score}}});
  return cam::find_method("ablation")
      ->explain({graph, session, input, trace, "relu", targets, ablation, {}, {}});
}

void check_near(std::span<const double> found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-6));
}

void check_near(const Tensor& found, const std::vector<double>& expected) {
  check_near(std::vector<double>(found.values().begin(), found.values().end()), expected);
}

}  // namespace

TEST_CASE("drops, weights and map are those of the paper") {
  const auto results = explain(paper_network(0.5F), photo, {{.index = 0}});  // y = 2.5 - 1 + 0.5 = 2
  REQUIRE(results.size() == 1);
  check_near(results[0].drops, {2.5, -1});
  check_near(results[0].weights, {1.25, -0.5});
  CHECK(results[0].map.shape() == Shape{2, 2});
  check_near(results[0].map, {1.25, 2.5, 3.75, 3});  // 1.25 A_0 - 0.5 A_1
  CHECK(results[0].note.empty());
}

TEST_CASE("a negative score flips no sign: the divisor is |y|") {
  const auto results = explain(paper_network(0.5F), photo, {{.index = 1}});  // y = -5 + 0.5 - 3 = -7.5
  check_near(results[0].drops, {-5, 0.5});
  check_near(results[0].weights, {-5 / 7.5, 0.5 / 7.5});
  check_near(results[0].map, {0, 0, 0, 0});
  check_near(results[0].signed_map, {-5 / 7.5, -10 / 7.5, -15 / 7.5, -18 / 7.5});  // (-5 A_0 + 0.5 A_1) / 7.5
  CHECK(results[0].note.find("layer all evidence is against the class") != std::string::npos);
}

TEST_CASE("a score of zero leaves the drops undivided and says so") {
  const auto results = explain(paper_network(-1.5F), photo, {{.index = 0}});  // y = 2.5 - 1 - 1.5 = 0
  check_near(results[0].drops, {2.5, -1});
  check_near(results[0].weights, {2.5, -1});
  check_near(results[0].map, {2.5, 5, 7.5, 6});
  CHECK(results[0].note.find("without division") != std::string::npos);
}

TEST_CASE("several classes are answered in one call, in order, as each alone") {
  const auto both = explain(paper_network(0.5F), photo, {{.index = 1}, {.index = 0}});
  REQUIRE(both.size() == 2);
  CHECK(both[0].drops == explain(paper_network(0.5F), photo, {{.index = 1}})[0].drops);
  CHECK(both[1].drops == explain(paper_network(0.5F), photo, {{.index = 0}})[0].drops);
}

TEST_CASE("scaled, mean and masked ablation are what they say") {
  const std::vector<Score> first{{.index = 0}};
  const Graph graph = paper_network(0.5F);
  check_near(explain(graph, photo, first, {Ablation::Kind::scale, 0.5F, {}})[0].drops, {1.25, -0.5});
  // Behind a global average pool, only a channel's mean matters.
  check_near(explain(graph, photo, first, {Ablation::Kind::mean, 0, {}})[0].drops, {0, 0});
  const Ablation mask{Ablation::Kind::mask, 0, tensor({2, 2}, {0, 0, 0, 1})};
  check_near(explain(graph, photo, first, mask)[0].drops, {1, -1});  // (0 + 0 + 0 + 4) / 4 each
}

TEST_CASE("a probability is measured through the model's head") {
  const Score softmax{Score::Kind::probability, 0, Activation::softmax};
  const Score sigmoid{Score::Kind::probability, 0, Activation::sigmoid};
  const auto results = explain(paper_network(0.5F), photo, {softmax, sigmoid});
  const auto chance = [](double y) { return 1 / (1 + std::exp(-y)); };
  // Logits 2 and -7.5; without channel 0 they are -0.5 and -2.5, without channel 1 they are 3 and -8.
  check_near(results[0].drops, {chance(9.5) - chance(2), chance(9.5) - chance(11)});
  check_near(results[1].drops, {chance(2) - chance(-0.5), chance(2) - chance(3)});
}

TEST_CASE("a dead picture gives a zero map and a word about it") {
  const auto results = explain(paper_network(0.5F), Tensor({1, 2, 2, 2}), {{.index = 0}});
  check_near(results[0].drops, {0, 0});
  check_near(results[0].map, {0, 0, 0, 0});
  CHECK(results[0].note.find("no channel of this layer changes the score") != std::string::npos);
}

TEST_CASE("a score that is not finite is an error") {
  const Graph graph = paper_network(std::nanf(""));
  CHECK(message_of([&] { explain(graph, photo, {{.index = 0}}); }).find("score of class 0 is not finite") !=
        std::string::npos);
}
