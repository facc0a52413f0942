#include <doctest/doctest.h>
#include <ablaze/session.hpp>

#include <random>

#include "support/isas.hpp"
#include "support/reference_run.hpp"

// Each operator on its own, at awkward sizes, on every instruction set, against the plain loops in float64.

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

/// One operator behind a copy of the input, so that it reads blocks (`planar`: the input itself).
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
    options.isa = isa;
    const Trace trace = Session(graph, options).run(input);
    CAPTURE(to_string(shape));
    CAPTURE(op_name(op));
    CAPTURE(to_string(isa));
    CHECK(relative_error(trace.logits().values(), reference.output()) < 2e-6);
  }
}

op::Conv2d convolution(const Shape& weight, int stride, std::array<int, 2> padding, int dilation = 1,
                       int groups = 1) {
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

TEST_CASE("grouped and depthwise convolutions") {
  check(convolution({32, 1, 3, 3}, 1, {1, 1}, 1, 32), {1, 32, 7, 9});
  check(convolution({64, 1, 5, 5}, 2, {2, 2}, 1, 32), {1, 32, 9, 8});
  check(convolution({128, 4, 3, 3}, 1, {1, 1}, 1, 32), {1, 128, 5, 6});
  check(convolution({128, 8, 3, 3}, 2, {1, 1}, 1, 16), {2, 128, 6, 5});
  check(convolution({96, 24, 3, 3}, 1, {1, 1}, 1, 4), {1, 96, 4, 4});
  check(convolution({15, 7, 3, 3}, 1, {1, 1}, 1, 3), {1, 21, 5, 5});
  check(convolution({6, 2, 1, 1}, 1, {0, 0}, 1, 3), {1, 6, 4, 15}, true);
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
    check(op::AdaptiveAvgPool2d{{out, out + 1}}, {1, 5, 3, 10});  // larger than the input, too
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
        options.isa = isa;
        options.keep = {"flatten", "fc1"};
        const Trace trace = Session(graph, options).run(input);
        CHECK(relative_error(trace.logits().values(), reference.output()) < 2e-6);
        CHECK(relative_error(trace.activation("flatten").values(), reference.at(2)) == 0);
        CHECK(relative_error(trace.activation("fc1").values(), reference.at(3)) < 2e-6);
      }
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
    options.isa = isa;
    const Trace trace =
        Session(graph, options)
            .run(Tensor({1, 2, 1, 1}, std::vector<float>{std::numeric_limits<float>::quiet_NaN(), -1}));
    CHECK(trace.logits()[0] != trace.logits()[0]);
    CHECK(trace.logits()[1] == 0);
  }
}

TEST_CASE("a 2x2 max-pool behind a convolution, whether it rides along or not") {
  for (const std::int64_t size : {8, 9, 13, 26, 27}) {
    for (const bool ceil_mode : {false, true}) {
      for (const bool relu : {false, true}) {
        for (const bool keep : {false, true}) {
          Graph graph;
          const Shape shape{2, 17, size, size + 21};
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
            options.isa = isa;
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
