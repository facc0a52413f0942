#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "runtime/keeping.hpp"
#include "support/isas.hpp"
#include "support/message_of.hpp"
#include "support/random_network.hpp"
#include "support/reference_run.hpp"
#include "support/sanitized.hpp"
#include "support/scores.hpp"
#include "support/tensors.hpp"

using namespace ablaze;
using ablaze::testing::case_step;
using ablaze::testing::keeping;
using ablaze::testing::message_of;
using ablaze::testing::RandomNetwork;
using ablaze::testing::ReferenceRun;
using ablaze::testing::score_of;
using ablaze::testing::to_tensor;
using ablaze::testing::Values;

namespace {

constexpr double largest_drop_error = 1e-4;
using Sets = std::vector<std::vector<int>>;

double norm(const Values& v) { return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0)); }

double distance(Values a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return norm(a);
}

/// Some layers with channels: every `step`th, from a start that depends on the seed.
std::vector<NodeId> some_layers(const RandomNetwork& network, unsigned seed, int step) {
  std::vector<NodeId> layers;
  const auto shapes = network.graph().infer_shapes(network.input_shape());
  for (NodeId id = 1 + static_cast<NodeId>(seed) % step; id < network.graph().size(); id += step) {
    if (shapes[id].size() == 4) layers.push_back(id);
  }
  return layers;
}

Sets singles(std::int64_t channels) {
  Sets sets;
  for (int k = 0; k < channels; ++k) sets.push_back({k});
  return sets;
}

std::vector<Ablation> all_kinds(const Shape& layer) {
  Tensor mask({layer[2], layer[3]});
  for (std::int64_t i = 0; i < mask.size(); ++i) mask[i] = static_cast<float>(i % 3) / 2;
  return {{Ablation::Kind::zero, 0, {}},
          {Ablation::Kind::scale, 0.5F, {}},
          {Ablation::Kind::mean, 0, {}},
          {Ablation::Kind::mask, 0, mask}};
}

/// Ablates a channel's plane.
void ablate_plane(std::span<double> plane, const Ablation& ablation) {
  double mean = 0;
  for (const double v : plane) mean += v / static_cast<double>(plane.size());
  for (std::size_t i = 0; i < plane.size(); ++i) {
    if (ablation.kind == Ablation::Kind::zero) plane[i] = 0;
    if (ablation.kind == Ablation::Kind::scale) plane[i] *= ablation.scale;
    if (ablation.kind == Ablation::Kind::mean) plane[i] = mean;
    if (ablation.kind == Ablation::Kind::mask) plane[i] *= 1 - ablation.mask.data()[i];
  }
}

/// The expected drops: reruns everything behind the layer in float64 for every set.
std::vector<Values> brute_force(const ReferenceRun& base, NodeId layer, const Ablation& ablation,
                                const Sets& sets, std::span<const Score> scores) {
  const Shape& shape = base.shapes[layer];
  const auto area = static_cast<std::size_t>(shape[2] * shape[3]);
  std::vector<Values> drops(scores.size());
  for (const std::vector<int>& set : sets) {
    Values changed = base.at(layer);
    for (const int k : set)
      ablate_plane(std::span(changed).subspan(static_cast<std::size_t>(k) * area, area), ablation);
    const ReferenceRun ablated(base, layer, changed);
    for (std::size_t s = 0; s < scores.size(); ++s)
      drops[s].push_back(score_of(base.output(), scores[s], base.output()) -
                         score_of(ablated.output(), scores[s], base.output()));
  }
  return drops;
}

const std::vector<Score> scores_to_ablate{{Score::Kind::logit, 1, {}},
                                          {Score::Kind::probability, 0, Activation::softmax},
                                          {Score::Kind::probability, 1, Activation::sigmoid},
                                          {Score::Kind::margin, 0, {}, 1},
                                          {Score::Kind::margin, 1, {}}};
const std::vector<Score> logits_to_ablate{
    {Score::Kind::logit, 1, {}}, {Score::Kind::logit, 0, {}}, {Score::Kind::margin, 1, {}}};

/// Compares drops; drops that are zero in theory have float64's noise on one side and float32's on the other.
void check_drops(const Values& found, const Values& expected, double score) {
  CHECK(distance(found, expected) <= largest_drop_error * norm(expected) + 1e-9 * std::abs(score));
}

/// A network whose delta program covers all cases at once: see `wide_network`.
struct Prepared {
  Graph graph;
  Shape shape;
  Values input;
};

Tensor random_tensor(std::mt19937& random, Shape shape, double scale) {
  std::normal_distribution<double> normal(0, scale);
  Tensor t(std::move(shape));
  for (float& v : t.values()) v = static_cast<float>(normal(random));
  return t;
}

/// Enough channels and pixels for Winograd everywhere, and a VGG's head with many dead units.
Prepared wide_network(unsigned seed) {
  std::mt19937 random(seed);
  Prepared p;
  p.shape = {1, 16, 17, 15};
  const auto conv = [&](int in, int out, int kernel) {
    op::Conv2d c;
    c.weight = random_tensor(random, {out, in, kernel, kernel}, std::sqrt(2.0 / (in * kernel * kernel)));
    c.bias = random_tensor(random, {out}, 0.1);
    c.padding = {kernel / 2, kernel / 2};
    return c;
  };
  const auto linear = [&](int in, int out) {
    Tensor bias = random_tensor(random, {out}, 0.2);
    for (float& v : bias.values()) v -= 1.5F;
    return op::Linear{random_tensor(random, {out, in}, std::sqrt(2.0 / in)), bias};
  };
  NodeId at = p.graph.add("input", op::Input{{16, 0, 0}}, {});
  at = p.graph.add("conv1", conv(16, 40, 3), {at});
  at = p.graph.add("relu1", op::Relu{}, {at});
  const NodeId skip = at;
  at = p.graph.add("conv2", conv(40, 40, 3), {at});
  at = p.graph.add("relu2", op::Relu{}, {at});
  at = p.graph.add("conv3", conv(40, 40, 3), {at});
  at = p.graph.add("add", op::Add{}, {skip, at});
  at = p.graph.add("relu3", op::Relu{}, {at});
  at = p.graph.add("pool", op::MaxPool2d{}, {at});
  at = p.graph.add("conv4", conv(40, 33, 3), {at});
  at = p.graph.add("relu4", op::Relu{}, {at});
  at = p.graph.add("flatten", op::Flatten{}, {at});
  at = p.graph.add("fc1", linear(33 * 8 * 7, 100), {at});
  at = p.graph.add("fc1relu", op::Relu{}, {at});
  at = p.graph.add("fc2", linear(100, 70), {at});
  at = p.graph.add("fc2relu", op::Relu{}, {at});
  p.graph.add("fc", linear(70, 20), {at});
  std::normal_distribution<double> normal;
  for (int i = 0; i < 16 * 17 * 15; ++i) p.input.push_back(static_cast<float>(normal(random)));
  return p;
}

/// Convolutions without Winograd behind ReLUs with many dead units: strided, dilated, 1x1, with borders to
/// write and an addition.
Prepared strided_network(unsigned seed) {
  std::mt19937 random(seed);
  Prepared p;
  p.shape = {1, 3, 15, 11};
  const auto conv = [&](int in, int out, int kernel, int stride, int dilation) {
    op::Conv2d c;
    c.weight = random_tensor(random, {out, in, kernel, kernel}, std::sqrt(2.0 / (in * kernel * kernel)));
    Tensor bias = random_tensor(random, {out}, 0.4);
    for (float& v : bias.values()) v -= 0.4F;
    c.bias = bias;
    c.stride = {stride, stride};
    c.padding = {kernel / 2 * dilation, kernel / 2 * dilation};
    c.dilation = {dilation, dilation};
    return c;
  };
  NodeId at = p.graph.add("input", op::Input{{3, 0, 0}}, {});
  at = p.graph.add("conv1", conv(3, 70, 3, 1, 1), {at});
  at = p.graph.add("relu1", op::Relu{}, {at});
  at = p.graph.add("conv2", conv(70, 66, 1, 1, 1), {at});
  at = p.graph.add("relu2", op::Relu{}, {at});
  at = p.graph.add("conv3", conv(66, 68, 3, 2, 1), {at});
  const NodeId skip = at = p.graph.add("relu3", op::Relu{}, {at});
  at = p.graph.add("conv4", conv(68, 64, 3, 1, 2), {at});
  at = p.graph.add("relu4", op::Relu{}, {at});
  at = p.graph.add("conv5", conv(64, 68, 1, 1, 1), {at});
  at = p.graph.add("add", op::Add{}, {at, skip});
  at = p.graph.add("relu5", op::Relu{}, {at});
  at = p.graph.add("conv6", conv(68, 65, 5, 3, 1), {at});
  at = p.graph.add("relu6", op::Relu{}, {at});
  at = p.graph.add("pool", op::AdaptiveAvgPool2d{}, {at});
  at = p.graph.add("flatten", op::Flatten{}, {at});
  p.graph.add("fc", op::Linear{random_tensor(random, {9, 65}, 0.2), random_tensor(random, {9}, 0.2)}, {at});
  std::normal_distribution<double> normal;
  for (std::int64_t i = 0; i < element_count(p.shape); ++i)
    p.input.push_back(static_cast<float>(normal(random)));
  return p;
}

}  // namespace

TEST_CASE("ablation drops are the reference's brute force, for every kind and instruction set") {
  for (unsigned seed = 0; seed < 24; seed += case_step) {
    RandomNetwork network(seed, seed % 3 == 0, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Values input = network.input();
    const ReferenceRun base(graph, shape, input);
    for (const NodeId id : some_layers(network, seed, 3)) {
      const std::string& name = graph.node(id).name;
      const Shape layer = base.shapes[id];
      for (const Ablation& kind : all_kinds(layer)) {
        const auto expected = brute_force(base, id, kind, singles(layer[1]), scores_to_ablate);
        for (const Isa isa : testing::available_isas()) {
          SessionOptions options = keeping(shape, {name});
          options.execution.isa = isa;
          const Trace trace = Session(graph, options).run(to_tensor(shape, input));
          const Drops drops = trace.ablate(name, kind, scores_to_ablate);
          const Drops logits = trace.ablate(name, kind, std::span(scores_to_ablate).first(1));
          CAPTURE(seed);
          CAPTURE(name);
          CAPTURE(static_cast<int>(kind.kind));
          CAPTURE(drops.method);
          CAPTURE(to_string(isa));
          for (std::size_t s = 0; s < scores_to_ablate.size(); ++s) {
            CAPTURE(s);
            check_drops(drops.drops[s], expected[s], drops.scores[s]);
            CHECK(drops.scores[s] ==
                  doctest::Approx(score_of(base.output(), scores_to_ablate[s], base.output())).epsilon(1e-5));
          }
          check_drops(logits.drops[0], expected[0], drops.scores[0]);
        }
      }
    }
  }
}

TEST_CASE("sets of channels are ablated together") {
  for (unsigned seed = 30; seed < 42; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Values input = network.input();
    const ReferenceRun base(graph, shape, input);
    for (const NodeId id : some_layers(network, seed, 3)) {
      const std::string& name = graph.node(id).name;
      const int channels = static_cast<int>(base.shapes[id][1]);
      std::mt19937 random(seed);
      Sets sets{{}, {channels - 1}};
      for (int i = 0; i < 9; ++i) {
        std::vector<int> set;
        for (int k = 0; k < channels; ++k) {
          if (random() % 3 != 0) set.push_back(k);
        }
        std::shuffle(set.begin(), set.end(), random);
        sets.push_back(std::move(set));
      }
      const auto expected = brute_force(base, id, {}, sets, logits_to_ablate);
      const Trace trace = Session(graph, keeping(shape, {name})).run(to_tensor(shape, input));
      const Drops drops = trace.ablate_sets(name, {}, sets, logits_to_ablate);
      CAPTURE(seed);
      CAPTURE(name);
      CAPTURE(drops.method);
      CHECK(drops.drops[0][0] == 0);
      CHECK(drops.changed < static_cast<std::int64_t>(sets.size()));
      for (std::size_t s = 0; s < logits_to_ablate.size(); ++s)
        check_drops(drops.drops[s], expected[s], drops.scores[s]);
    }
  }
}

TEST_CASE(
    "with Winograd and without, with all rows and with few, a wide network's drops are the brute force's") {
  const Prepared p = wide_network(7);
  const ReferenceRun base(p.graph, p.shape, p.input);
  std::vector<Score> many;
  for (int c = 0; c < 20; ++c) many.push_back({Score::Kind::logit, c, {}});
  for (NodeId id = 1; id < p.graph.size(); id += case_step) {
    const Shape& layer = base.shapes[id];
    if (layer.size() != 4) continue;
    const std::string& name = p.graph.node(id).name;
    const auto expected = brute_force(base, id, {}, singles(layer[1]), many);
    for (const Isa isa : testing::available_isas()) {
      for (const bool winograd : {true, false}) {
        SessionOptions options = keeping(p.shape, {name});
        options.execution.isa = isa;
        options.execution.winograd = winograd;
        const Trace trace = Session(p.graph, options).run(to_tensor(p.shape, p.input));
        CAPTURE(name);
        CAPTURE(to_string(isa));
        CAPTURE(winograd);
        const Drops all = trace.ablate(name, {}, many);
        for (std::size_t s = 0; s < many.size(); ++s) check_drops(all.drops[s], expected[s], all.scores[s]);
        const Drops few = trace.ablate(name, {}, std::span(many).first(2));
        for (std::size_t s = 0; s < 2; ++s) check_drops(few.drops[s], expected[s], few.scores[s]);
        REQUIRE_FALSE(few.gathered.empty());
        CHECK(few.gathered.front().left < few.gathered.front().columns);
      }
    }
  }
}

TEST_CASE("convolutions without their dead columns give the brute force's drops") {
  const Prepared p = strided_network(11);
  const ReferenceRun base(p.graph, p.shape, p.input);
  for (const char* layer : {"conv1", "relu2"}) {
    const NodeId id = p.graph.find(layer);
    const auto expected = brute_force(base, id, {}, singles(base.shapes[id][1]), logits_to_ablate);
    for (const Isa isa : testing::available_isas()) {
      CAPTURE(layer);
      CAPTURE(to_string(isa));
      SessionOptions options = keeping(p.shape, {layer});
      options.execution.isa = isa;
      options.execution.winograd = false;
      const Session session(p.graph, options);
      const auto steps = session.plan_ablation(layer).steps;
      CHECK(std::ranges::any_of(steps, [](const AblationStep& step) {
        return step.operation.starts_with("conv") && step.operation.ends_with("(without dead columns)");
      }));
      const Drops drops = session.run(to_tensor(p.shape, p.input)).ablate(layer, {}, logits_to_ablate);
      for (std::size_t s = 0; s < logits_to_ablate.size(); ++s)
        check_drops(drops.drops[s], expected[s], drops.scores[s]);
    }
  }
}

TEST_CASE("the plain rerun agrees") {
  for (unsigned seed = 50; seed < 60; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Tensor input = to_tensor(shape, network.input());
    for (const NodeId id : some_layers(network, seed, 3)) {
      const std::string& name = graph.node(id).name;
      SessionOptions options = keeping(shape, {name});
      options.execution.winograd = false;
      const Trace trace = Session(graph, options).run(input);
      options.keep_preactivations = false;
      const Trace bare = Session(graph, options).run(input);
      const Drops followed = trace.ablate(name, {}, logits_to_ablate);
      AblateOptions plainly;
      plainly.rerun = true;
      const Tensor logits = trace.logits();
      double largest = 0;
      for (const float logit : logits.values())
        largest = std::max(largest, std::abs(static_cast<double>(logit)));
      CAPTURE(seed);
      CAPTURE(name);
      for (const Drops& rerun :
           {trace.ablate(name, {}, logits_to_ablate, plainly), bare.ablate(name, {}, logits_to_ablate)}) {
        CHECK(rerun.method == AblationMethod::rerun);
        CHECK(rerun.changed >= followed.changed);
        for (std::size_t s = 0; s < logits_to_ablate.size(); ++s) {
          // A rerun's accuracy is relative to the logits, not to the score, which may be much smaller.
          const double noise = 1e-6 * std::max(std::abs(rerun.scores[s]), largest) *
                               std::sqrt(static_cast<double>(rerun.drops[s].size()));
          CHECK(distance(rerun.drops[s], followed.drops[s]) <=
                largest_drop_error * norm(followed.drops[s]) + noise);
        }
      }
    }
  }
}

TEST_CASE("each image of a trace has its own drops") {
  for (unsigned seed = 60; seed < 68; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    Shape shape = network.input_shape();
    const Values inputs = network.input(3);
    const std::size_t one = inputs.size() / 3;
    for (const NodeId id : some_layers(network, seed, 3)) {
      const std::string& name = graph.node(id).name;
      shape[0] = 3;
      const Trace trace = Session(graph, keeping(shape, {name})).run(to_tensor(shape, inputs));
      shape[0] = 1;
      const Session alone(graph, keeping(shape, {name}));
      CAPTURE(seed);
      CAPTURE(name);
      for (std::size_t n = 0; n < 3; ++n) {
        const Values input(inputs.begin() + static_cast<std::ptrdiff_t>(n * one),
                           inputs.begin() + static_cast<std::ptrdiff_t>((n + 1) * one));
        const Drops expected = alone.run(to_tensor(shape, input)).ablate(name, {}, logits_to_ablate);
        AblateOptions of_image;
        of_image.image = static_cast<std::int64_t>(n);
        const Drops found = trace.ablate(name, {}, logits_to_ablate, of_image);
        for (std::size_t s = 0; s < logits_to_ablate.size(); ++s)
          CHECK(distance(found.drops[s], expected.drops[s]) <= 1e-5 * norm(expected.drops[s]));
      }
    }
  }
}

TEST_CASE("the number of threads changes no bit of a drop") {
  const Prepared p = wide_network(3);
  for (const std::string name : {"relu1", "relu2", "relu4"}) {
    std::vector<Drops> found;
    for (const int threads : {1, 2, 3}) {
      SessionOptions options = keeping(p.shape, {name});
      options.execution.threads = threads;
      const Trace trace = Session(p.graph, options).run(to_tensor(p.shape, p.input));
      found.push_back(trace.ablate(name, {}, scores_to_ablate));
    }
    CHECK(found[1].drops == found[0].drops);
    CHECK(found[2].drops == found[0].drops);
  }
}

TEST_CASE("a memory limit makes smaller passes of the same result, and the least that does is named") {
  const Prepared p = wide_network(5);
  const std::string name = "relu1";
  SessionOptions options = keeping(p.shape, {name});
  const Drops roomy =
      Session(p.graph, options).run(to_tensor(p.shape, p.input)).ablate(name, {}, logits_to_ablate);
  // From the network's own minimum upwards: refused with the required minimum, which then suffices.
  options.execution.memory_limit = Session(p.graph, options).activation_bytes();
  const Trace trace = Session(p.graph, options).run(to_tensor(p.shape, p.input));
  const std::string message = message_of([&] { trace.ablate(name, {}, logits_to_ablate); });
  CHECK(message.find("relu1") != std::string::npos);
  const std::size_t at = message.find("at least ");
  REQUIRE(at != std::string::npos);
  options.execution.memory_limit = static_cast<std::size_t>(std::stoul(message.substr(at + 9))) << 20;
  const Drops tight =
      Session(p.graph, options).run(to_tensor(p.shape, p.input)).ablate(name, {}, logits_to_ablate);
  CHECK(distance(tight.drops[0], roomy.drops[0]) <= 1e-5 * norm(roomy.drops[0]));
}

TEST_CASE("as nothing is ablated any more, a drop tends to gradient times activation") {
  for (unsigned seed = 70; seed < 78; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Values input = network.input();
    const ReferenceRun base(graph, shape, input);
    for (const NodeId id : some_layers(network, seed, 4)) {
      const std::string& name = graph.node(id).name;
      const Shape& layer = base.shapes[id];
      const auto area = static_cast<std::size_t>(layer[2] * layer[3]);
      // The sum of gradient x activation over a channel is the score's slope along the activation. The
      // reference takes the same step, since a ReLU or a max-pool may change sides within it.
      constexpr double step = 0x1p-20;
      Values slopes;
      for (std::size_t k = 0; k < static_cast<std::size_t>(layer[1]); ++k) {
        Values changed = base.at(id);
        for (std::size_t i = k * area; i < (k + 1) * area; ++i) changed[i] *= 1 - step;
        slopes.push_back((base.output()[1] - ReferenceRun(base, id, changed).output()[1]) / step);
      }
      const Trace trace = Session(graph, keeping(shape, {name})).run(to_tensor(shape, input));
      const auto factor = static_cast<float>(1 - step);
      const Drops drops =
          trace.ablate(name, {Ablation::Kind::scale, factor, {}}, std::span(logits_to_ablate).first(1));
      Values scaled = drops.drops[0];
      for (double& d : scaled) d /= 1 - static_cast<double>(factor);
      CAPTURE(seed);
      CAPTURE(name);
      CHECK(distance(scaled, slopes) <= 2e-3 * norm(slopes) + 1e-6);
    }
  }
}

TEST_CASE("impossible sets and images are refused with a word") {
  RandomNetwork network(2);
  const Shape& shape = network.input_shape();
  const std::string name = network.graph().node(1).name;
  const Trace trace = Session(network.graph(), keeping(shape, {name})).run(Tensor(shape));
  const auto refuses = [&](Sets sets, AblateOptions options = {}) {
    CHECK_THROWS_AS(trace.ablate_sets(name, {}, sets, logits_to_ablate, options), UsageError);
  };
  refuses({{0, 0}});
  refuses({{-1}});
  refuses({{100000}});
  AblateOptions second;
  second.image = 1;
  refuses({{0}}, second);
  const std::vector<Score> beyond{{Score::Kind::logit, 1000, {}}};
  CHECK_THROWS_AS(trace.ablate(name, {}, beyond), UsageError);
  CHECK(trace.ablate_sets(name, {}, {}, logits_to_ablate).drops[0].empty());
}

TEST_CASE("a progress callback sees every channel pass and can cancel") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const std::string name = graph.node(1).name;
    const Session session(graph, keeping(shape, {name}));
    const Trace trace = session.run(to_tensor(shape, network.input()));
    const std::vector<Score> scores{{Score::Kind::logit, 0, {}}};
    std::int64_t last = -1, total = 0;
    AblateOptions watched;
    watched.progress = [&](std::int64_t done, std::int64_t of) {
      CHECK(done > last);
      last = done, total = of;
      return true;
    };
    const Drops drops = trace.ablate(name, {}, scores, watched);
    if (total == 0) continue;  // nothing changes
    CHECK(last == total);
    AblateOptions cancelled;
    cancelled.progress = [](std::int64_t, std::int64_t) { return false; };
    CHECK_THROWS_AS(trace.ablate(name, {}, scores, cancelled), Cancelled);
  }
}

TEST_CASE("a plan counts what will be done, and never more than a rerun of the tail") {
  for (unsigned seed = 80; seed < 90; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    for (const NodeId id : some_layers(network, seed, 2)) {
      const std::string& name = graph.node(id).name;
      const Session session(graph, keeping(shape, {name}));
      const AblationPlan plan = session.plan_ablation(name);
      CAPTURE(seed);
      CAPTURE(name);
      CHECK(plan.layer == name);
      CHECK(plan.rerun_tail <= plan.rerun_network);
      CHECK(plan.multiply_adds <= plan.rerun_tail);
      std::int64_t sum = 0;
      for (const AblationStep& step : plan.steps) sum += step.multiply_adds;
      CHECK(sum == plan.multiply_adds);
      const Trace trace = session.run(to_tensor(shape, network.input()));
      CHECK(trace.ablate(name, {}, std::span(logits_to_ablate).first(1)).method == plan.method);
      CHECK((plan.method == AblationMethod::closed_form) == (plan.batch == 0));
    }
  }
}

TEST_CASE("a plan of a small network is what a pencil gives") {
  const Prepared p = wide_network(1);
  const AblationPlan plan = Session(p.graph, keeping(p.shape, {"relu4"})).plan_ablation("relu4");
  CHECK(plan.method == AblationMethod::deltas);
  CHECK(plan.layer_shape == Shape{33, 8, 7});
  CHECK(plan.rerun_tail == 33 * (33 * 56 * 100 + 100 * 70 + 70 * 20));
  // fc1 once, fc2 per channel, one row of fc per channel
  CHECK(plan.multiply_adds == 33 * 56 * 100 + 33 * 100 * 70 + 33 * 70);
}
