#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "runtime/keeping.hpp"
#include "support/isas.hpp"
#include "support/message_of.hpp"
#include "support/random_network.hpp"
#include "support/reference_gradient.hpp"
#include "support/reference_run.hpp"
#include "support/sanitized.hpp"
#include "support/scores.hpp"
#include "support/tensors.hpp"

using namespace ablaze;
using ablaze::testing::case_step;
using ablaze::testing::keeping;
using ablaze::testing::message_of;
using ablaze::testing::RandomNetwork;
using ablaze::testing::ReferenceGradient;
using ablaze::testing::ReferenceRun;
using ablaze::testing::runner_up;
using ablaze::testing::same_bits;
using ablaze::testing::score_of;
using ablaze::testing::to_tensor;
using ablaze::testing::Values;
using ablaze::testing::widened;

namespace {

constexpr double largest_gradient_error = 1e-5;

double dot(const Values& a, const Values& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

const std::vector<Score> scores_to_derive{{Score::Kind::logit, 1, {}},
                                          {Score::Kind::probability, 0, Activation::softmax},
                                          {Score::Kind::probability, 1, Activation::sigmoid},
                                          {Score::Kind::margin, 0, {}},
                                          {Score::Kind::margin, 0, {}, 1}};

/// dy / dlogits
Values seed_of(const Values& logits, const Score& score) {
  const auto index = static_cast<std::size_t>(score.index);
  Values seed(logits.size(), 0.0);
  if (score.kind == Score::Kind::probability) {
    const Values p = probabilities(std::span<const double>(logits), score.activation);
    for (std::size_t c = 0; c < seed.size(); ++c) {
      if (score.activation == Activation::softmax) seed[c] = -p[index] * p[c];
    }
    seed[index] += p[index] - (score.activation == Activation::sigmoid ? p[index] * p[index] : 0);
    return seed;
  }
  seed[index] = 1;
  if (score.kind == Score::Kind::margin)
    seed[score.against >= 0 ? static_cast<std::size_t>(score.against) : runner_up(logits, index)] = -1;
  return seed;
}

/// The expected gradients of a trace: in float64, with the trace's own decisions at ReLUs and max-pools.
std::vector<Values> reference_gradients(const Graph& graph, const Trace& trace, NodeId layer,
                                        const Shape& input, std::span<const Score> scores) {
  ReferenceGradient reference(graph, graph.infer_shapes(input),
                              [&](NodeId id) { return widened(trace.activation(graph.node(id).name)); });
  const Values logits = widened(trace.logits());
  const std::size_t classes = logits.size() / static_cast<std::size_t>(input[0]);
  std::vector<Values> gradients;
  for (const Score& score : scores) {
    Values seed;
    for (std::size_t begin = 0; begin < logits.size(); begin += classes) {
      const auto from = logits.begin() + static_cast<std::ptrdiff_t>(begin);
      const Values row = seed_of({from, from + static_cast<std::ptrdiff_t>(classes)}, score);
      seed.insert(seed.end(), row.begin(), row.end());
    }
    gradients.push_back(reference.gradient(layer, std::move(seed)));
  }
  return gradients;
}

void check_gradients(const Graph& graph, const Shape& shape, const Values& input, NodeId layer,
                     bool winograd) {
  const std::string& name = graph.node(layer).name;
  for (const Isa isa : testing::available_isas()) {
    SessionOptions options = keeping(shape, {name});
    options.execution.isa = isa;
    options.execution.winograd = winograd;
    const Trace trace = Session(graph, options).run(to_tensor(shape, input));
    const Gradients found = trace.gradient(name, scores_to_derive);
    const auto expected = reference_gradients(graph, trace, layer, shape, scores_to_derive);
    CAPTURE(name);
    CAPTURE(to_string(shape));
    CAPTURE(to_string(isa));
    CAPTURE(winograd);
    for (std::size_t s = 0; s < scores_to_derive.size(); ++s) {
      CAPTURE(s);
      CHECK(testing::relative_error(found.gradients[s].values(), expected[s]) <= largest_gradient_error);
    }
  }
}

}  // namespace

TEST_CASE("gradients are those of plain loops in float64, on every instruction set") {
  for (unsigned seed = 0; seed < 26; seed += case_step) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    CAPTURE(seed);
    for (const int batch : {1, 3}) {
      Shape shape = network.input_shape();
      shape[0] = batch;
      const Values input = network.input(batch);
      for (NodeId id = static_cast<NodeId>(seed) % 4; id < graph.size(); id += 4)
        check_gradients(graph, shape, input, id, seed % 2 == 0);
    }
  }
}

TEST_CASE("a gradient has the same bits alone and beside others, on one thread and on several") {
  for (unsigned seed = 60; seed < 76; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Tensor input = to_tensor(shape, network.input());
    const std::string& name = graph.node(1 + static_cast<NodeId>(seed) % (graph.size() - 1)).name;
    SessionOptions options = keeping(shape, {name});
    options.execution.threads = 1;
    const Gradients together = Session(graph, options).run(input).gradient(name, scores_to_derive);
    options.execution.threads = 3;
    const Trace trace = Session(graph, options).run(input);
    CAPTURE(seed);
    CAPTURE(name);
    for (std::size_t s = 0; s < scores_to_derive.size(); ++s) {
      const Gradients alone = trace.gradient(name, std::span(scores_to_derive).subspan(s, 1));
      CHECK(same_bits(alone.gradients[0], together.gradients[s]));
    }
  }
}

TEST_CASE("gradients are the slopes of finite differences") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Values input = network.input();
    const ReferenceRun base(graph, shape, input);
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    for (NodeId id = static_cast<NodeId>(seed) % 3; id < graph.size(); id += 3) {
      const std::string& name = graph.node(id).name;
      const Trace trace = Session(graph, keeping(shape, {name})).run(to_tensor(shape, input));
      // Next to the layer's own activations, many of which are equal to 0: a pool of those has no slope.
      Values point = base.at(id), direction(point.size());
      for (double& v : point) v = static_cast<float>(v + 0.1 * normal(random));
      for (double& v : direction) v = normal(random);
      const Tensor at = to_tensor(base.shapes[id], point);
      GradientOptions here;
      here.at = &at;
      const Gradients found = trace.gradient(name, scores_to_derive, here);
      CAPTURE(seed);
      CAPTURE(name);
      const auto output_along = [&](double t) {
        Values moved = point;
        for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += t * direction[i];
        return ReferenceRun(base, id, moved).output();
      };
      // Small enough that no ReLU and no pool changes its decision.
      constexpr double step = 1e-7;
      const Values up = output_along(step), down = output_along(-step);
      for (std::size_t s = 0; s < scores_to_derive.size(); ++s) {
        CAPTURE(s);
        const double slope = (score_of(up, scores_to_derive[s], base.output()) -
                              score_of(down, scores_to_derive[s], base.output())) /
                             (2 * step);
        const Values gradient = widened(found.gradients[s]);
        const double scale = std::sqrt(dot(gradient, gradient) * dot(direction, direction));
        CHECK(found.gradients[s].shape() == base.shapes[id]);
        CHECK(std::abs(dot(gradient, direction) - slope) <= 1e-5 * scale + 1e-6);
      }
    }
  }
}

TEST_CASE("slopes keep their digits where curves are all but flat") {
  constexpr int count = 41;
  Graph graph;
  NodeId at = graph.add("input", op::Input{{count, 0, 0}}, {});
  SUBCASE("tanh") { at = graph.add("curve", op::Curve{op::Curve::Kind::tanh}, {at}); }
  SUBCASE("sigmoid") { at = graph.add("curve", op::Curve{op::Curve::Kind::sigmoid}, {at}); }
  at = graph.add("flatten", op::Flatten{}, {at});
  Tensor ones({2, count});
  std::ranges::fill(ones.values(), 1.0F);
  graph.add("fc", op::Linear{ones, Tensor({2})}, {at});
  const bool is_tanh = std::get<op::Curve>(graph.node(1).op).kind == op::Curve::Kind::tanh;
  const Shape shape{1, count, 1, 1};
  Tensor input(shape);
  for (int i = 0; i < count; ++i) input.data()[i] = static_cast<float>(i - count / 2) * 0.5F;
  const Score score{Score::Kind::logit, 1, {}};
  for (const Isa isa : testing::available_isas()) {
    CAPTURE(to_string(isa));
    SessionOptions options = keeping(shape, {"input"});
    options.execution.isa = isa;
    const Gradients found = Session(graph, options).run(input).gradient("input", std::span(&score, 1));
    for (int i = 0; i < count; ++i) {
      const double x = input.data()[i], cosh = std::cosh(is_tanh ? x : x / 2);
      const double expected = (is_tanh ? 1 : 0.25) / (cosh * cosh);
      CAPTURE(x);
      CHECK(std::abs(found.gradients[0].data()[i] - expected) <= 1e-4 * expected);
    }
  }
}

TEST_CASE("a gradient is taken at other activations, with the untouched run's runner-up") {
  for (unsigned seed = 40; seed < 52; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Tensor input = to_tensor(shape, network.input());
    for (NodeId id = 1 + static_cast<NodeId>(seed) % 3; id < graph.size(); id += 3) {
      const std::string& name = graph.node(id).name;
      for (const bool keep_preactivations : {true, false}) {
        SessionOptions options = keeping(shape, {name});
        options.keep_preactivations = keep_preactivations;
        const Trace trace = Session(graph, options).run(input);
        const Tensor own = trace.activation(name);
        Shape three = own.shape();
        three[0] = 3;
        Tensor at(three);
        for (std::int64_t i = 0; i < at.size(); ++i)
          at[i] = own[i % own.size()] * (1 - 0.25F * static_cast<float>(i / own.size()));
        GradientOptions elsewhere;
        elsewhere.at = &at;
        const Gradients found = trace.gradient(name, scores_to_derive, elsewhere);
        const Gradients here = trace.gradient(name, scores_to_derive);
        const Tensor logits = trace.resume(name, at);
        const Values untouched = widened(trace.logits());
        CAPTURE(seed);
        CAPTURE(name);
        for (std::size_t s = 0; s < scores_to_derive.size(); ++s) {
          REQUIRE(found.gradients[s].shape() == three);
          REQUIRE(found.scores[s].size() == 3);
          CHECK(std::memcmp(found.gradients[s].data(), here.gradients[s].data(),
                            static_cast<std::size_t>(own.size()) * sizeof(float)) == 0);
          for (std::size_t m = 0; m < 3; ++m) {
            const auto row = logits.values().subspan(m * untouched.size(), untouched.size());
            const Values y(row.begin(), row.end());
            CHECK(found.scores[s][m] == doctest::Approx(score_of(y, scores_to_derive[s], untouched)));
          }
        }
      }
    }
  }
}

TEST_CASE("as the scale of an ablation tends to 1, drop / (1 - scale) tends to gradient x activation") {
  // Networks in which no unit crosses its ReLU's zero on the path.
  for (unsigned seed = 90; seed < 112; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    for (NodeId id = 1 + static_cast<NodeId>(seed) % 3; id < graph.size(); id += 3) {
      const std::string& name = graph.node(id).name;
      const Session session(graph, keeping(shape, {name}));
      if (session.layer_shape(name).size() != 4) continue;
      const Trace trace = session.run(to_tensor(shape, network.input()));
      const Tensor a = trace.activation(name);
      const Gradients gradients = trace.gradient(name, scores_to_derive);
      Ablation nearly_none{Ablation::Kind::scale, 1 - 1e-6F, {}};
      const Drops drops = trace.ablate(name, nearly_none, scores_to_derive);
      const auto area = static_cast<std::size_t>(a.dim(2) * a.dim(3));
      CAPTURE(seed);
      CAPTURE(name);
      for (std::size_t s = 0; s < scores_to_derive.size(); ++s) {
        Values expected(drops.drops[s].size()), found = drops.drops[s];
        for (std::size_t i = 0; i < a.values().size(); ++i)
          expected[i / area] += static_cast<double>(gradients.gradients[s].values()[i]) * a.values()[i];
        for (double& drop : found) drop /= 1 - static_cast<double>(nearly_none.scale);
        CAPTURE(s);
        CHECK(testing::relative_error(found, expected) <=
              1e-4 + 1e-6 / std::sqrt(dot(expected, expected) + 1e-30));
      }
    }
  }
}

TEST_CASE("what a gradient cannot be taken of or at is said") {
  RandomNetwork network(3);
  const Graph& graph = network.graph();
  const std::string name = graph.node(graph.output() - 1).name;
  const Trace trace = Session(graph, keeping(network.input_shape(), {name}))
                          .run(to_tensor(network.input_shape(), network.input()));
  const auto refusal = [&](const Score& score, std::string_view layer) {
    return message_of([&] { trace.gradient(layer, std::span(&score, 1)); });
  };
  CHECK(refusal({Score::Kind::logit, -1, {}}, name).find("class -1 does not exist") != std::string::npos);
  CHECK(refusal({Score::Kind::margin, 0, {}, 1000}, name).find("class 1000 does not exist") !=
        std::string::npos);
  CHECK(refusal({Score::Kind::margin, 0, {}, -2}, name).find("class -2 does not exist") != std::string::npos);
  CHECK(refusal({Score::Kind::margin, 1, {}, 1}, name).find("to itself is always 0") != std::string::npos);
  CHECK(refusal({Score::Kind::logit, 0, {}}, "nosuch").find("nosuch") != std::string::npos);
  CHECK(refusal({Score::Kind::logit, 0, {}}, graph.node(1).name) != "");
  const Tensor odd({1, 1, 1, 1});
  GradientOptions elsewhere;
  elsewhere.at = &odd;
  const Score score{};
  CHECK(message_of([&] {
          trace.gradient(name, std::span(&score, 1), elsewhere);
        }).find("its replacement is") != std::string::npos);
  GradientOptions cancelled;
  cancelled.progress = [](std::int64_t, std::int64_t) { return false; };
  CHECK_THROWS_AS(trace.gradient(name, std::span(&score, 1), cancelled), Cancelled);
}

TEST_CASE("transposed weights are packed when they are first needed, or when they are asked for") {
  RandomNetwork network(5);
  const Graph& graph = network.graph();
  const std::string& name = graph.node(1).name;
  for (const bool keep_preactivations : {true, false}) {
    SessionOptions options = keeping(network.input_shape(), {name});
    options.keep_preactivations = keep_preactivations;
    const Session session(graph, options);
    const std::size_t forward = session.packed_bytes();
    session.prepare_gradient(name);
    const std::size_t both = session.packed_bytes();
    CHECK(both > forward);
    const Score score{};
    session.run(to_tensor(network.input_shape(), network.input())).gradient(name, std::span(&score, 1));
    CHECK(session.packed_bytes() == both);
  }
}

TEST_CASE("a gradient that does not fit the memory limit is refused with what it takes") {
  RandomNetwork network(5);
  SessionOptions options = keeping(network.input_shape(), {network.graph().node(1).name});
  options.execution.memory_limit = Session(network.graph(), options).activation_bytes();
  const Trace trace =
      Session(network.graph(), options).run(to_tensor(network.input_shape(), network.input()));
  const Score score{};
  CHECK(message_of([&] { trace.gradient(options.keep[0], std::span(&score, 1)); }).find("MiB") !=
        std::string::npos);
}
