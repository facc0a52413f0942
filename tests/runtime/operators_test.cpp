#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include <ablaze/session.hpp>

#include "support/isas.hpp"
#include "support/reference_run.hpp"
#include "tensor/half.hpp"

// Each operator alone, at awkward sizes, on every instruction set, against plain loops in float64.

using namespace ablaze;
using ablaze::testing::ReferenceRun;
using ablaze::testing::relative_error;
using ablaze::testing::Values;

namespace {

Tensor random_tensor(const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Tensor t(shape);
  for (float& v : t.values()) v = normal(random);
  return t;
}

/// Tests one operator behind a copy of the input, so that it reads blocks (`planar`: the input itself).
void check(const Op& op, const Shape& shape, bool planar = false) {
  Graph graph;
  NodeId at = graph.add("input", op::Input{}, {});
  if (!planar) at = graph.add("before", op::Relu{}, {at});
  graph.add("op", op, {at});
  const Tensor input = random_tensor(shape, 7);
  const ReferenceRun reference(graph, shape, {input.values().begin(), input.values().end()});
  for (const Isa isa : testing::available_isas()) {
    SessionOptions options;
    options.input = shape;
    options.execution.isa = isa;
    const Trace trace = Session(graph, options).run(input);
    CAPTURE(to_string(shape));
    CAPTURE(op_name(op));
    CAPTURE(to_string(isa));
    CHECK(relative_error(trace.logits().values(), reference.output()) < 2e-6);
  }
}

op::Conv2d convolution(const Shape& weight, int stride, Padding padding, int dilation = 1, int groups = 1) {
  op::Conv2d conv;
  conv.weight = random_tensor(weight, 11);
  conv.bias = random_tensor({weight[0]}, 13);
  conv.stride = {stride, stride};
  conv.padding = padding;
  conv.dilation = {dilation, dilation};
  conv.groups = groups;
  return conv;
}

}  // namespace

TEST_CASE("convolutions of every width") {
  for (std::int64_t width = 1; width <= 34; ++width) {
    check(convolution({33, 17, 3, 3}, 1, {1, 1}), {1, 17, 3, width});
    check(convolution({5, 3, 3, 3}, 1, {1, 1}), {1, 3, 2, width}, true);
    check(convolution({16, 1, 1, 1}, 1, {0, 0}), {1, 1, 1, width}, true);
    check(convolution({20, 40, 1, 1}, 2, {0, 0}), {1, 40, 2, width});
  }
}

TEST_CASE("convolutions of every kernel, stride, padding and dilation") {
  for (const int stride : {1, 2, 3, 4}) {
    check(convolution({7, 3, 7, 7}, stride, {3, 3}), {2, 3, 23, 31}, true);
    check(convolution({7, 3, 11, 11}, stride, {2, 2}), {1, 3, 29, 17}, true);
    check(convolution({48, 16, 3, 3}, stride, {1, 1}), {2, 16, 13, 19});
    check(convolution({9, 21, 5, 5}, stride, {0, 0}), {1, 21, 9, 11});
    check(convolution({31, 32, 3, 3}, stride, {2, 2}, 2), {1, 32, 12, 9});
    check(convolution({18, 19, 1, 7}, stride, {0, 3}), {1, 19, 5, 16});
    check(convolution({18, 19, 7, 1}, stride, {3, 0}), {1, 19, 16, 5});
    check(convolution({4, 6, 2, 4}, stride, {1, 0}), {3, 6, 6, 7});
  }
}

TEST_CASE("grouped convolutions of every width") {
  for (const int group : {2, 3, 4, 6, 8, 12, 16, 24, 32, 48}) {
    for (const int groups : {2, 3, 5}) {
      const std::int64_t channels = group * groups;
      check(convolution({channels, group, 3, 3}, 1, {1, 1}, 1, groups), {1, channels, 5, 17});
      check(convolution({channels, group, 3, 3}, 2, {1, 1}, 1, groups), {2, channels, 6, 15});
      check(convolution({channels, group, 1, 1}, 1, {0, 0}, 1, groups), {1, channels, 3, 4});
    }
  }
  check(convolution({128, 4, 3, 3}, 1, {1, 1}, 1, 32), {1, 128, 5, 6});
  check(convolution({96, 24, 3, 3}, 1, {2, 2}, 2, 4), {1, 96, 7, 4});
  check(convolution({15, 7, 3, 3}, 1, {1, 1}, 1, 3), {1, 21, 5, 5});
  check(convolution({6, 2, 1, 1}, 1, {0, 0}, 1, 3), {1, 6, 4, 15}, true);
}

TEST_CASE("groups with more or fewer outputs than inputs") {
  for (const int inputs : {1, 2, 4, 8, 16}) {
    for (const int outputs : {1, 2, 3, 4, 8, 16, 24, 32, 48}) {
      const int groups = 5;
      check(convolution({outputs * groups, inputs, 3, 3}, 1, {1, 1}, 1, groups), {1, inputs * groups, 4, 9});
      check(convolution({outputs * groups, inputs, 2, 5}, 3, {1, 0}, 1, groups), {1, inputs * groups, 7, 19});
    }
  }
}

TEST_CASE("depthwise convolutions of every width, kernel, stride and dilation") {
  for (std::int64_t width = 1; width <= 34; ++width) {
    check(convolution({33, 1, 3, 3}, 1, {1, 1}, 1, 33), {1, 33, 3, width});
    check(convolution({20, 1, 3, 3}, 2, {1, 1}, 1, 20), {1, 20, 4, width});
    check(convolution({16, 1, 5, 5}, 1, {2, 2}, 1, 16), {1, 16, 5, width});
    check(convolution({7, 1, 5, 5}, 2, {2, 2}, 1, 7), {2, 7, 6, width});
  }
  for (const int stride : {1, 2, 3}) {
    check(convolution({24, 1, 7, 7}, stride, {3, 3}, 1, 24), {1, 24, 13, 19});
    check(convolution({24, 1, 3, 3}, stride, {2, 2}, 2, 24), {2, 24, 11, 18});
    check(convolution({24, 1, 5, 5}, stride, {0, 6}, 3, 24), {1, 24, 17, 16});
    check(convolution({24, 1, 1, 7}, stride, {0, 3}, 1, 24), {1, 24, 5, 16});
    check(convolution({24, 1, 3, 1}, stride, {1, 0}, 1, 24), {1, 24, 16, 5});
    check(convolution({24, 1, 1, 1}, stride, {0, 0}, 1, 24), {1, 24, 6, 7});
  }
}

TEST_CASE("a grouped convolution's epilogue: BatchNorm, residual, ReLU, and the value before it") {
  for (const int group : {1, 4, 8, 16}) {
    const int channels = 48;
    Graph graph;
    const Shape shape{2, channels, 7, 18};
    NodeId at = graph.add("input", op::Input{}, {});
    const NodeId skip = graph.add("before", op::Relu{}, {at});
    at = graph.add("conv", convolution({channels, group, 3, 3}, 1, {1, 1}, 1, channels / group), {skip});
    op::BatchNorm norm;
    norm.mean = random_tensor({channels}, 20);
    norm.variance = Tensor({channels}, std::vector<float>(channels, 2.5F));
    norm.weight = random_tensor({channels}, 21);
    norm.bias = random_tensor({channels}, 22);
    at = graph.add("bn", norm, {at});
    const NodeId sum = at = graph.add("add", op::Add{}, {at, skip});
    at = graph.add("relu", op::Relu{}, {at});
    // Reads the border that the grouped convolution wrote.
    graph.add("next", convolution({5, channels, 3, 3}, 1, {1, 1}), {at});
    const Tensor input = random_tensor(shape, 23);
    const ReferenceRun reference(graph, shape, {input.values().begin(), input.values().end()});
    for (const Isa isa : testing::available_isas()) {
      SessionOptions options;
      options.input = shape;
      options.execution.isa = isa;
      options.keep = {"add"};
      const Trace trace = Session(graph, options).run(input);
      CAPTURE(group);
      CHECK(relative_error(trace.activation("add").values(), reference.at(sum)) < 2e-6);
      CHECK(relative_error(trace.logits().values(), reference.output()) < 2e-6);
    }
  }
}

TEST_CASE("a NaN stays in its group where groups are narrow or whole blocks") {
  for (const int group : {1, 4, 8, 16, 32}) {
    Graph graph;
    const Shape shape{1, 64, 3, 3};
    NodeId at = graph.add("input", op::Input{}, {});
    at = graph.add("before", op::Relu{}, {at});
    graph.add("conv", convolution({64, group, 3, 3}, 1, {1, 1}, 1, 64 / group), {at});
    Tensor input = random_tensor(shape, 9);
    input[40 * 9 + 4] = std::numeric_limits<float>::quiet_NaN();
    for (const Isa isa : testing::available_isas()) {
      SessionOptions options;
      options.input = shape;
      options.execution.isa = isa;
      const Tensor out = Session(graph, options).run(input).logits();
      CAPTURE(group);
      for (std::int64_t i = 0; i < out.size(); ++i)
        CHECK(std::isnan(out[i]) == (i / 9 / group == 40 / group));
    }
  }
}

TEST_CASE("pools with ceil mode, padding, dilation and overhang") {
  for (const bool ceil_mode : {false, true}) {
    for (const std::int64_t size : {5, 6, 7, 8, 13}) {
      const Shape shape{2, 19, size, size + 3};
      check(op::MaxPool2d{{3, 3}, {2, 2}, {1, 1}, {1, 1}, ceil_mode}, shape);
      check(op::MaxPool2d{{2, 2}, {2, 2}, {0, 0}, {1, 1}, ceil_mode}, shape);
      check(op::MaxPool2d{{2, 3}, {1, 3}, {1, 0}, {2, 1}, ceil_mode}, shape);
      for (const bool include : {false, true}) {
        check(op::AvgPool2d{{3, 3}, {2, 2}, {1, 1}, ceil_mode, include}, shape);
        check(op::AvgPool2d{{2, 4}, {3, 1}, {1, 2}, ceil_mode, include}, shape);
      }
    }
  }
  for (const int out : {1, 2, 3, 7}) {
    check(op::AdaptiveAvgPool2d{{out, out}}, {2, 33, 7, 7});
    check(op::AdaptiveAvgPool2d{{out, out + 1}}, {1, 5, 3, 10});  // larger than the input as well
  }
}

TEST_CASE("linear layers of any size, over one picture and over many") {
  for (const std::int64_t batch : {1, 2, 15, 31}) {
    for (const std::int64_t area : {1, 6}) {
      Graph graph;
      const Shape shape{batch, 21, area, 1};
      NodeId at = graph.add("input", op::Input{}, {});
      at = graph.add("relu", op::Relu{}, {at});
      at = graph.add("flatten", op::Flatten{}, {at});
      at = graph.add("fc1", op::Linear{random_tensor({37, 21 * area}, 3), random_tensor({37}, 4)}, {at});
      at = graph.add("fc1relu", op::Relu{}, {at});
      graph.add("fc2", op::Linear{random_tensor({10, 37}, 5), {}}, {at});
      const Tensor input = random_tensor(shape, 6);
      const ReferenceRun reference(graph, shape, {input.values().begin(), input.values().end()});
      for (const Isa isa : testing::available_isas()) {
        SessionOptions options;
        options.input = shape;
        options.execution.isa = isa;
        options.keep = {"flatten", "fc1"};
        const Trace trace = Session(graph, options).run(input);
        CHECK(relative_error(trace.logits().values(), reference.output()) < 2e-6);
        CHECK(relative_error(trace.activation("flatten").values(), reference.at(2)) == 0);
        CHECK(relative_error(trace.activation("fc1").values(), reference.at(3)) < 2e-6);
      }
    }
  }
}

TEST_CASE("half-precision weights of linear layers stay half and give the bits of widened ones") {
  const auto halves = [](const Tensor& t) {
    auto bits = std::make_shared<std::vector<std::uint16_t>>();
    for (const float v : t.values()) bits->push_back(float_to_half(v));
    return Weight(DType::f16, t.shape(), std::as_bytes(std::span<const std::uint16_t>(*bits)), bits);
  };
  for (const std::int64_t batch : {1, 2, 14, 15, 33}) {
    const Shape shape{batch, 21, 9, 7};
    // More than one segment of terms; with zeros, a subnormal and the largest half among the weights.
    Tensor first = random_tensor({37, 21 * 63}, 3);
    first[0] = 0, first[1] = -0.0F, first[2] = 0x1p-24F, first[3] = 65504, first[4] = -0x1.8p-20F;
    const Weight fc1 = halves(first), fc2 = halves(random_tensor({10, 37}, 5));
    const auto network = [&](const Weight& one, const Weight& two) {
      Graph graph;
      NodeId at = graph.add("input", op::Input{}, {});
      at = graph.add("relu", op::Relu{}, {at});
      at = graph.add("flatten", op::Flatten{}, {at});
      at = graph.add("fc1", op::Linear{one, random_tensor({37}, 4)}, {at});
      at = graph.add("fc1relu", op::Relu{}, {at});
      graph.add("fc2", op::Linear{two, {}}, {at});
      return graph;
    };
    const Tensor input = random_tensor(shape, 6);
    for (const Isa isa : testing::available_isas()) {
      SessionOptions options;
      options.input = shape;
      options.execution.isa = isa;
      const Session half(network(fc1, fc2), options);
      const Session wide(network(fc1.to_tensor(), fc2.to_tensor()), options);
      const Tensor a = half.run(input).logits(), b = wide.run(input).logits();
      CAPTURE(batch);
      CAPTURE(to_string(isa));
      CHECK(std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0);
      const ReferenceRun reference(network(fc1, fc2), shape, {input.values().begin(), input.values().end()});
      CHECK(relative_error(a.values(), reference.output()) < 2e-6);
      const bool kept = isa != Isa::baseline && batch <= 24;
      CHECK(kept == (10 * half.packed_bytes() < 6 * wide.packed_bytes()));
      // Behind a kept layer weights are widened, with the same bits.
      options.keep = {"relu"};
      const Tensor c = Session(network(fc1, fc2), options).run(input).logits();
      CHECK(std::memcmp(a.data(), c.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("a NaN comes out where it goes in") {
  Graph graph;
  const NodeId input = graph.add("input", op::Input{}, {});
  graph.add("relu", op::Relu{}, {input});
  SessionOptions options;
  options.input = {1, 2, 1, 1};
  for (const Isa isa : testing::available_isas()) {
    options.execution.isa = isa;
    const Trace trace =
        Session(graph, options)
            .run(Tensor({1, 2, 1, 1}, std::vector<float>{std::numeric_limits<float>::quiet_NaN(), -1}));
    CHECK(trace.logits()[0] != trace.logits()[0]);
    CHECK(trace.logits()[1] == 0);
  }
}

TEST_CASE("Winograd with tiles of two and of four, in blocks and in phases, gives one result") {
  struct Case {
    Shape input;
    std::int64_t out_channels;
    const char* tiles;  // in the algorithm's name; nullptr: direct
  };
  const Case cases[] = {{{1, 16, 7, 7}, 33, "2x2"},    {{1, 40, 5, 9}, 16, "2x2"},
                        {{3, 32, 6, 4}, 7, "2x2"},     {{1, 19, 13, 14}, 48, "4x4"},
                        {{1, 130, 28, 27}, 40, "4x4"}, {{2, 17, 67, 33}, 18, "4x4"},
                        {{1, 64, 3, 3}, 64, nullptr},  {{1, 15, 28, 28}, 16, nullptr}};
  for (const Case& c : cases) {
    Graph graph;
    NodeId at = graph.add("input", op::Input{}, {});
    at = graph.add("before", op::Relu{}, {at});
    graph.add("op", convolution({c.out_channels, c.input[1], 3, 3}, 1, {1, 1}), {at});
    const Tensor input = random_tensor(c.input, 9);
    const ReferenceRun reference(graph, c.input, {input.values().begin(), input.values().end()});
    for (const Isa isa : testing::available_isas()) {
      SessionOptions options;
      options.input = c.input;
      options.execution.isa = isa;
      options.execution.threads = 1;
      const Session one(graph, options);
      options.execution.threads = 3;  // the schedule may differ
      const Session three(graph, options);
      CAPTURE(to_string(c.input));
      CAPTURE(to_string(isa));
      const std::string algorithm = one.steps().back().algorithm;
      const bool winograd = c.tiles != nullptr && isa != Isa::baseline;
      CHECK(algorithm.find(winograd ? c.tiles : "direct") != std::string::npos);
      const Tensor logits = one.run(input).logits();
      CHECK(relative_error(logits.values(), reference.output()) < 2e-6);
      CHECK(std::ranges::equal(logits.values(), three.run(input).logits().values()));
    }
  }
}

TEST_CASE("a 2x2 max-pool behind a convolution, whether it rides along or not") {
  for (const std::int64_t size : {4, 8, 9, 13, 26, 27}) {
    for (const bool ceil_mode : {false, true}) {
      for (const bool relu : {false, true}) {
        for (const bool keep : {false, true}) {
          Graph graph;
          const Shape shape{size < 8 ? 1 : 2, 17, size, size < 8 ? 13 : size + 21};
          NodeId at = graph.add("input", op::Input{}, {});
          at = graph.add("conv", convolution({33, 17, 3, 3}, 1, {1, 1}), {at});
          if (relu) at = graph.add("relu", op::Relu{}, {at});
          const NodeId last = at;
          graph.add("pool", op::MaxPool2d{{2, 2}, {2, 2}, {0, 0}, {1, 1}, ceil_mode}, {at});
          const Tensor input = random_tensor(shape, 8);
          const ReferenceRun reference(graph, shape, {input.values().begin(), input.values().end()});
          for (const Isa isa : testing::available_isas()) {
            SessionOptions options;
            options.input = shape;
            options.execution.isa = isa;
            if (keep) options.keep = {graph.node(last).name};
            const Trace trace = Session(graph, options).run(input);
            CAPTURE(size);
            CHECK(relative_error(trace.logits().values(), reference.output()) < 3e-6);
            if (keep)
              CHECK(relative_error(trace.activation(graph.node(last).name).values(), reference.at(last)) <
                    3e-6);
          }
        }
      }
    }
  }
}
