// The speed of layers relative to plain loops with the same mix of instructions, on one thread.
//
// The bounds: the ratios measured on Zen 3, Zen 4, Zen 5 and Emerald Rapids are between half of a bound and
// the bound, with a margin of a quarter on both sides.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/session.hpp>

#include "speed/guard.hpp"
#include "speed/yardsticks.hpp"
#include "support/isas.hpp"
#include "support/seeded.hpp"
#include "tensor/half.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

std::vector<Isa> fast_isas() {
  std::vector<Isa> isas = available_isas();
  std::erase(isas, Isa::baseline);
  if (isas.empty()) MESSAGE("skipped: this processor has no fast instruction set");
  return isas;
}

/// Small numbers of both signs.
Tensor filled(Shape shape) {
  Tensor tensor(std::move(shape));
  for (std::int64_t i = 0; i < tensor.size(); ++i) tensor[i] = static_cast<float>(i % 17 - 8) / 64;
  return tensor;
}

/// Several equal convolutions in sequence with ReLUs between them, so that a run's overhead is small.
struct Layers {
  int in_channels, out_channels, size;
  int kernel = 3, stride = 1, groups = 1;
  int count = 1;
  int batch = 1;

  int output_size() const { return (size - 1) / stride + 1; }
  double operations() const {
    return 2.0 * kernel * kernel * in_channels / groups * out_channels * output_size() * output_size() *
           count * batch;
  }
  Shape input() const { return {batch, in_channels, size, size}; }
  Graph graph() const {
    Graph graph;
    NodeId node = graph.add("input", op::Input{{in_channels, size, size}}, {});
    for (int i = 0; i < count; ++i) node = add(graph, node, std::to_string(i));
    return graph;
  }
  NodeId add(Graph& graph, NodeId node, const std::string& name) const {
    op::Conv2d conv;
    conv.weight = filled({out_channels, in_channels / groups, kernel, kernel});
    conv.groups = groups;
    conv.stride = {stride, stride};
    conv.padding = {kernel / 2, kernel / 2};
    return graph.add("relu" + name, op::Relu{}, {graph.add("conv" + name, conv, {node})});
  }
};

SessionOptions on_one_thread(const Shape& input, Isa isa, bool winograd = false) {
  SessionOptions options;
  options.input = input;
  options.execution.threads = 1;
  options.execution.isa = isa;
  options.execution.winograd = winograd;
  return options;
}

/// A session and all data for a run.
class Running {
 public:
  Running(const Graph& graph, const SessionOptions& options)
      : session_(graph, options), input_(filled(options.input)), trace_(session_.run(input_)) {}
  void operator()() { session_.run(input_, trace_); }
  const Session& session() const { return session_; }
  const Trace& trace() const { return trace_; }

 private:
  Session session_;
  Tensor input_;
  Trace trace_;
};

std::string named(const std::string& what, Isa isa) { return what + ", " + std::string(to_string(isa)); }

/// Register tiles with the same number of operations.
class Tiles {
 public:
  Tiles(Isa isa, double operations)
      : loop_(yardsticks(isa).tiles), operations_(operations), memory_(kTileFloats, 0.5F) {}
  void operator()() { loop_(operations_, memory_.data()); }

 private:
  void (*loop_)(double, float*);
  double operations_;
  std::vector<float> memory_;
};

void check_dense(const std::string& what, const Layers& layers, double bound_avx512, double bound_avx2) {
  for (const Isa isa : fast_isas()) {
    Running run(layers.graph(), on_one_thread(layers.input(), isa));
    check_speed(named(what, isa), isa == Isa::avx512 ? bound_avx512 : bound_avx2, run,
                Tiles(isa, layers.operations()));
  }
}

}  // namespace

TEST_CASE("direct convolutions keep near what register tiles can do") {
  check_dense("3x3, 64 channels, 28 x 28", {.in_channels = 64, .out_channels = 64, .size = 28, .count = 4},
              1.9, 1.9);
  check_dense("1x1, 256 channels, 14 x 14",
              {.in_channels = 256, .out_channels = 256, .size = 14, .kernel = 1, .count = 4}, 2.0, 2.0);
  check_dense("3x3 of stride 2, 64 to 128 channels, 56 x 56",
              {.in_channels = 64, .out_channels = 128, .size = 56, .stride = 2}, 2.0, 2.0);
  check_dense("7x7 of stride 2 from 3 channels, 112 x 112",
              {.in_channels = 3, .out_channels = 64, .size = 112, .kernel = 7, .stride = 2}, 1.95, 1.95);
}

TEST_CASE("grouped convolutions multiply no zeros") {
  for (const Isa isa : fast_isas()) {
    for (const int inputs : {1, 4}) {
      const int channels = 128;
      const Layers layers{.in_channels = channels,
                          .out_channels = channels,
                          .size = 14,
                          .groups = channels / inputs,
                          .count = 8};
      Running run(layers.graph(), on_one_thread(layers.input(), isa));
      Planes planes{.channels = channels, .size = layers.size};
      // Never aligned to cache lines, the more frequent case for a vector's data.
      constexpr std::int64_t kLine = 16, kBetween = 4;
      const auto floats = static_cast<std::int64_t>(planes.floats());
      Tensor memory({2 * (floats + kLine)});
      float* const a = memory.data() + kBetween;
      float* const b = a + floats + kLine;
      const std::vector<float> weights(9 * 16 * 4, 0.25F);
      const auto loop = inputs == 1 ? yardsticks(isa).depthwise : yardsticks(isa).groups_of_4;
      const auto yardstick = [&] {
        for (int i = 0; i < layers.count; ++i) {
          planes.in = i % 2 == 0 ? a : b;
          planes.out = i % 2 == 0 ? b : a;
          loop(planes, weights.data());
        }
      };
      const bool wide = isa == Isa::avx512;
      const double bound = inputs == 4 ? (wide ? 2.2 : 2.0) : (wide ? 2.1 : 3.1);
      check_speed(named(inputs == 1 ? "depthwise" : "groups of four", isa), bound, run, yardstick);
    }
  }
}

TEST_CASE("Winograd's convolution keeps its lead over the direct one") {
  const Layers layers{.in_channels = 128, .out_channels = 128, .size = 56};
  for (const Isa isa : fast_isas()) {
    Running direct(layers.graph(), on_one_thread(layers.input(), isa, false));
    Running winograd(layers.graph(), on_one_thread(layers.input(), isa, true));
    check_speed(named("Winograd", isa), 0.6, winograd, direct);
  }
}

TEST_CASE("a linear layer reads its weights as fast as a plain loop, halves too") {
  constexpr int kInputs = 4096, kOutputs = 2048;
  const Tensor weights = filled({kOutputs, kInputs});
  // In a tensor's memory, like the engine's weights.
  const auto memory = std::make_shared<Tensor>(Shape{kOutputs, kInputs / 2});
  const std::span halves(reinterpret_cast<std::uint16_t*>(memory->data()), weights.values().size());
  std::ranges::transform(weights.values(), halves.begin(), float_to_half);
  for (const Isa isa : fast_isas()) {
    for (const bool half : {false, true}) {
      Graph graph;
      op::Linear linear;
      linear.weight = half ? Weight(DType::f16, weights.shape(), std::as_bytes(halves), memory) : weights;
      const NodeId input = graph.add("input", op::Input{{kInputs, 1, 1}}, {});
      const NodeId flat = graph.add("flatten", op::Flatten{}, {input});
      graph.add("fc", linear, {flat});
      Running run(graph, on_one_thread({1, kInputs, 1, 1}, isa));
      std::vector<float> x(kInputs, 0.5F), y(kOutputs);
      const auto yardstick = [&] {
        if (half) {
          yardsticks(isa).half_matrix(halves.data(), kInputs, kOutputs, x.data(), y.data());
        } else {
          yardsticks(isa).matrix(weights.data(), kInputs, kOutputs, x.data(), y.data());
        }
      };
      check_speed(named(half ? "linear, half weights" : "linear", isa), half ? 1.6 : 1.25, run, yardstick);
    }
  }
}

TEST_CASE("a batch of 16 takes no longer than 16 single images") {
  const Layers layers{.in_channels = 64, .out_channels = 64, .size = 14, .count = 4};
  for (const Isa isa : fast_isas()) {
    Layers batch = layers;
    batch.batch = 16;
    Running single(layers.graph(), on_one_thread(layers.input(), isa));
    Running together(batch.graph(), on_one_thread(batch.input(), isa));
    check_speed(named("a batch of 16", isa), 1.7, together, [&] {
      for (int i = 0; i < batch.batch; ++i) single();
    });
  }
}

TEST_CASE("a linear layer of 16 images keeps near what register tiles can do") {
  constexpr int kInputs = 2048, kOutputs = 512, kBatch = 16;
  for (const Isa isa : fast_isas()) {
    Graph graph;
    const NodeId input = graph.add("input", op::Input{{kInputs, 1, 1}}, {});
    op::Linear linear;
    linear.weight = filled({kOutputs, kInputs});
    graph.add("fc", linear, {graph.add("flatten", op::Flatten{}, {input})});
    Running run(graph, on_one_thread({kBatch, kInputs, 1, 1}, isa));
    check_speed(named("linear, 16 images", isa), 2.3, run, Tiles(isa, 2.0 * kInputs * kOutputs * kBatch));
  }
}

namespace {

/// Convolutions behind a layer called "layer", and a head.
Graph network_with_tail() {
  constexpr int kChannels = 64, kSize = 14, kClasses = 10;
  Graph graph;
  NodeId node = graph.add("input", op::Input{{kChannels, kSize, kSize}}, {});
  for (const int i : {0, 1, 2, 3}) {
    op::Conv2d conv;
    conv.weight = seeded_tensor("conv" + std::to_string(i), {kChannels, kChannels, 3, 3});
    conv.padding = {1, 1};
    node = graph.add(i == 0 ? "layer" : "relu" + std::to_string(i), op::Relu{},
                     {graph.add("conv" + std::to_string(i), conv, {node})});
  }
  node = graph.add("pool", op::AdaptiveAvgPool2d{}, {node});
  node = graph.add("flatten", op::Flatten{}, {node});
  op::Linear head;
  head.weight = seeded_tensor("head", {kClasses, kChannels});
  graph.add("fc", head, {node});
  return graph;
}

std::int64_t multiply_adds_behind(const Graph& graph, const std::string& layer, const Shape& input) {
  const std::vector<Shape> shapes = graph.infer_shapes(input);
  const NodeId first = graph.find(layer);
  std::int64_t sum = 0;
  for (NodeId node = first + 1; node < graph.size(); ++node) sum += multiply_adds(graph, node, shapes);
  return sum;
}

}  // namespace

TEST_CASE("drops and gradients through convolutions keep near what register tiles can do") {
  const Graph graph = network_with_tail();
  const Score score[] = {{}};
  for (const Isa isa : fast_isas()) {
    SessionOptions options = on_one_thread({1, 64, 14, 14}, isa);
    options.keep = {"layer"};
    const Running run(graph, options);
    const AblationPlan plan = run.session().plan_ablation("layer");
    REQUIRE(plan.method == AblationMethod::deltas);
    check_speed(
        named("drops", isa), isa == Isa::avx512 ? 3.2 : 2.4,
        [&] { (void)run.trace().ablate("layer", {}, score); },
        Tiles(isa, 2.0 * static_cast<double>(plan.multiply_adds)));
    check_speed(
        named("a gradient", isa), 2.1, [&] { (void)run.trace().gradient("layer", score); },
        Tiles(isa, 2.0 * static_cast<double>(multiply_adds_behind(graph, "layer", options.input))));
  }
}
