#include <doctest/doctest.h>

#include "runtime/execution/bound_program.hpp"
#include "runtime/lowering/lower.hpp"
#include "support/random_network.hpp"
#include "support/reference_run.hpp"

// The fast kernels over the plain C++ vector type (kernels/vector_plain.hpp), the starting point for a new
// instruction set: for any width, it has everything that the kernels need, and the results are correct.

namespace ablaze::kernels {
extern const KernelTable table_plain_1, table_plain_4, table_plain_16;
}

using namespace ablaze;
using ablaze::testing::RandomNetwork;
using ablaze::testing::ReferenceRun;
using ablaze::testing::relative_error;
using ablaze::testing::Values;

namespace {

/// The logits of a graph by the given kernels. isa: the instruction set whose algorithm choices to use.
Tensor run(const kernels::KernelTable& table, Isa isa, const Graph& graph, const Shape& shape,
           const Values& input) {
  const int threads = 2;
  runtime::WeightStore store;
  runtime::LoweringJob job;
  job.graph = &graph;
  job.shapes = graph.infer_shapes(shape);
  job.needed.assign(job.shapes.size(), true);
  job.kept.assign(job.shapes.size(), false);
  job.replayed = job.kept;
  job.table = &table;
  job.execution.isa = isa;
  job.store = &store;
  job.execution.threads = threads;
  const runtime::Program program = runtime::lower(job);

  Tensor arena({static_cast<std::int64_t>(program.arena_floats)});
  const runtime::Memory memory{arena.data(), arena.data()};
  const std::vector<float> floats(input.begin(), input.end());
  runtime::BoundProgram(program, table, job.execution, memory).run(floats.data());
  Tensor logits(job.shapes.back());
  runtime::read_value(program.value(program.output), memory, logits.data());
  return logits;
}

void check(const Graph& graph, const Shape& shape, const Values& input) {
  const ReferenceRun reference(graph, shape, input);
  for (const auto* table : {&kernels::table_plain_1, &kernels::table_plain_4, &kernels::table_plain_16}) {
    for (const Isa isa : {Isa::baseline, Isa::avx512}) {  // all direct, and with Winograd
      CAPTURE(to_string(shape));
      CAPTURE(to_string(isa));
      // Squares and gates multiply the errors of float32's rounding.
      CHECK(relative_error(run(*table, isa, graph, shape, input).values(), reference.output()) < 1e-5);
    }
  }
}

Values random_values(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Values values(static_cast<std::size_t>(count));
  for (double& v : values) v = normal(random);
  return values;
}

Tensor random_tensor(const Shape& shape, unsigned seed) {
  const Values values = random_values(element_count(shape), seed);
  return {shape, std::vector<float>(values.begin(), values.end())};
}

}  // namespace

TEST_CASE("random networks give the reference's logits on plain vectors of every width") {
  for (unsigned seed = 100; seed < 112; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    for (const std::int64_t batch : {1, 3}) {
      Shape shape = network.input_shape();
      shape[0] = batch;
      check(network.graph(), shape, network.input(static_cast<int>(batch)));
    }
  }
}

TEST_CASE("grouped and depthwise convolutions on plain vectors of every width") {
  for (const auto [channels, group, outputs] : {std::array{33, 1, 33},
                                                {24, 1, 48},
                                                {40, 2, 40},
                                                {36, 4, 36},
                                                {24, 8, 24},
                                                {48, 16, 48},
                                                {18, 3, 12}}) {
    for (const int stride : {1, 2}) {
      Graph graph;
      NodeId at = graph.add("input", op::Input{}, {});
      at = graph.add("before", op::Relu{}, {at});
      op::Conv2d conv;
      conv.weight = random_tensor({outputs, group, 3, 3}, 1);
      conv.bias = random_tensor({outputs}, 2);
      conv.stride = {stride, stride};
      conv.padding = {1, 1};
      conv.groups = channels / group;
      graph.add("conv", conv, {at});
      const Shape shape{2, channels, 5, 19};
      check(graph, shape, random_values(element_count(shape), 3));
    }
  }
}

TEST_CASE("a linear layer of several segments and tiles on plain vectors of every width") {
  for (const std::int64_t batch : {1, 37}) {
    Graph graph;
    NodeId at = graph.add("input", op::Input{}, {});
    at = graph.add("before", op::Relu{}, {at});
    at = graph.add("flatten", op::Flatten{}, {at});
    graph.add("fc", op::Linear{random_tensor({35, 1100}, 4), random_tensor({35}, 5)}, {at});
    const Shape shape{batch, 11, 10, 10};
    check(graph, shape, random_values(element_count(shape), 6));
  }
}
