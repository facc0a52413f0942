#include <cmath>
#include <cstring>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "support/isas.hpp"
#include "support/random_network.hpp"
#include "support/reference_run.hpp"
#include "support/session_options.hpp"
#include "support/tensors.hpp"

using namespace ablaze;
using ablaze::testing::options_for;
using ablaze::testing::RandomNetwork;
using ablaze::testing::ReferenceRun;
using ablaze::testing::relative_error;
using ablaze::testing::same_bits;
using ablaze::testing::to_tensor;
using ablaze::testing::Values;

namespace {

constexpr unsigned kNetworks = 20;

Shape with_batch(Shape shape, std::int64_t batch) {
  shape[0] = batch;
  return shape;
}

}  // namespace

TEST_CASE("random networks give the float64 reference's logits on every instruction set and batch") {
  for (unsigned seed = 0; seed < kNetworks; ++seed) {
    RandomNetwork network(seed, seed % 3 == 0, seed % 4 == 1);
    for (const std::int64_t batch : {1, 3}) {
      const Shape shape = with_batch(network.input_shape(), batch);
      const Values input = network.input(static_cast<int>(batch));
      const ReferenceRun reference(network.graph(), shape, input);
      for (const Isa isa : testing::available_isas()) {
        CAPTURE(seed);
        CAPTURE(batch);
        CAPTURE(to_string(isa));
        const Trace trace = Session(network.graph(), options_for(shape, isa)).run(to_tensor(shape, input));
        CHECK(relative_error(trace.logits().values(), reference.output()) < 1e-5);
      }
    }
  }
}

TEST_CASE("every layer can be kept, alone and with all others, and reads as the reference computes it") {
  for (unsigned seed = 0; seed < kNetworks; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Values input = network.input();
    const ReferenceRun reference(graph, shape, input);
    std::vector<std::string> all;
    for (NodeId id = 1; id < graph.size(); ++id) all.push_back(graph.node(id).name);
    const Trace everything =
        Session(graph, options_for(shape, Isa::automatic, all)).run(to_tensor(shape, input));
    for (NodeId id = 1; id < graph.size(); ++id) {
      const std::string& name = graph.node(id).name;
      CAPTURE(seed);
      CAPTURE(name);
      const Trace alone =
          Session(graph, options_for(shape, Isa::automatic, {name})).run(to_tensor(shape, input));
      CHECK(relative_error(alone.activation(name).values(), reference.at(id)) < 1e-5);
      CHECK(relative_error(everything.activation(name).values(), reference.at(id)) < 1e-5);
    }
  }
}

TEST_CASE("resuming from a layer's own activations gives the whole run's bits") {
  for (unsigned seed = 0; seed < kNetworks; ++seed) {
    RandomNetwork network(seed, seed % 3 == 0, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Tensor input = to_tensor(shape, network.input());
    for (const Isa isa : testing::available_isas()) {
      for (NodeId id = 1; id < graph.size(); ++id) {
        const std::string& name = graph.node(id).name;
        CAPTURE(seed);
        CAPTURE(name);
        CAPTURE(to_string(isa));
        const Trace trace = Session(graph, options_for(shape, isa, {name})).run(input);
        CHECK(same_bits(trace.resume(name, trace.activation(name)), trace.logits()));
      }
    }
  }
}

TEST_CASE("a batch of replacements is each replacement on its own, and the reference's") {
  for (unsigned seed = 0; seed < kNetworks; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Values input = network.input();
    const ReferenceRun base(graph, shape, input);
    for (NodeId id = 1; id < graph.size() - 1; ++id) {
      const std::string& name = graph.node(id).name;
      CAPTURE(seed);
      CAPTURE(name);
      const Session session(graph, options_for(shape, Isa::automatic, {name}));
      const Trace trace = session.run(to_tensor(shape, input));
      const Tensor activation = trace.activation(name);
      Tensor two(with_batch(activation.shape(), 2));
      Values second;
      for (std::int64_t i = 0; i < activation.size(); ++i) {
        two[i] = activation[i];
        two[activation.size() + i] = activation[i] * -0.5F + 0.25F;
        second.push_back(two[activation.size() + i]);
      }
      const Tensor logits = trace.resume(name, two);
      const ReferenceRun reference(base, id, second);
      const auto classes = static_cast<std::size_t>(logits.dim(1));
      CHECK(relative_error(logits.values().first(classes), trace.logits().values()) < 1e-6);
      CHECK(relative_error(logits.values().last(classes), reference.output()) < 1e-5);
    }
  }
}

TEST_CASE("the number of threads changes no bit") {
  for (unsigned seed = 0; seed < kNetworks; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Shape shape = with_batch(network.input_shape(), 2);
    const Tensor input = to_tensor(shape, network.input(2));
    SessionOptions options = options_for(shape, Isa::automatic);
    options.execution.threads = 1;
    const Tensor one = Session(network.graph(), options).run(input).logits();
    for (const int threads : {2, 3, 5}) {
      options.execution.threads = threads;
      CHECK(same_bits(Session(network.graph(), options).run(input).logits(), one));
    }
  }
}

TEST_CASE("a trace can be used again and forgets the run before") {
  RandomNetwork network(3);
  const Shape& shape = network.input_shape();
  const Tensor a = to_tensor(shape, network.input()), b = to_tensor(shape, network.input());
  const Session session(network.graph(), options_for(shape, Isa::automatic));
  Trace trace = session.run(a);
  const Tensor first = trace.logits();
  session.run(b, trace);
  CHECK_FALSE(same_bits(trace.logits(), first));
  session.run(a, trace);
  CHECK(same_bits(trace.logits(), first));
}

TEST_CASE("values before a ReLU can be kept without undoing the fusion") {
  for (unsigned seed = 0; seed < kNetworks; ++seed) {
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Graph& graph = network.graph();
    const Shape& shape = network.input_shape();
    const Values input = network.input();
    const ReferenceRun reference(graph, shape, input);
    const NodeId first = 1;
    SessionOptions options = options_for(shape, Isa::automatic, {graph.node(first).name});
    options.keep_preactivations = false;
    const std::size_t plain_steps = Session(graph, options).steps().size();
    options.keep_preactivations = true;
    const Session session(graph, options);
    CHECK(session.steps().size() <=
          plain_steps + 3);  // max-pools' inputs may prevent a fusion, ReLUs' do not
    const Trace trace = session.run(to_tensor(shape, input));
    const auto downstream = graph.downstream(first);
    for (NodeId id = 0; id < graph.size(); ++id) {
      if (!downstream[id] || !std::holds_alternative<op::Relu>(graph.node(id).op)) continue;
      if (id == first) continue;
      const NodeId before = graph.node(id).inputs[0];
      CAPTURE(seed);
      CAPTURE(graph.node(before).name);
      CHECK(relative_error(trace.activation(graph.node(before).name).values(), reference.at(before)) < 1e-5);
    }
  }
}

TEST_CASE("wrong requests are refused with a word") {
  RandomNetwork network(1);
  const Graph& graph = network.graph();
  const Shape& shape = network.input_shape();
  CHECK_THROWS_AS(Session(graph, options_for(shape, Isa::automatic, {"nothing"})), UsageError);
  CHECK_THROWS_AS(Session(graph, options_for({1, 999, 8, 8}, Isa::automatic)), Error);
  SessionOptions small = options_for(shape, Isa::automatic);
  small.execution.memory_limit = 64;
  CHECK_THROWS_AS(Session(graph, small), Error);
  const Session session(graph, options_for(shape, Isa::automatic, {"flatten"}));
  CHECK_THROWS_AS(session.run(Tensor({1, 1, 1, 1})), Error);
  const Trace trace = session.run(Tensor(shape));
  CHECK_THROWS_AS(trace.activation("fc"
                                   "1x"),
                  UsageError);
  CHECK_THROWS_AS(trace.resume("flatten", Tensor({1, 1})), Error);
  const std::vector<Score> scores{{Score::Kind::logit, 0, {}}};
  CHECK_THROWS_AS(trace.ablate("flatten", {}, scores), UsageError);
}

TEST_CASE("every instruction set has a peak, and threads that cannot be are refused") {
  for (const Isa isa : ablaze::testing::available_isas()) {
    CAPTURE(to_string(isa));
    const double peak = peak_operations(isa, 1);
    CHECK(peak > 0);
    CHECK(std::isfinite(peak));
  }
  CHECK_THROWS_AS(peak_operations(Isa::baseline, -1), UsageError);
  CHECK_THROWS_AS(peak_operations(Isa::baseline, 100000), UsageError);
}

TEST_CASE("a cache line takes time from one thread to another") {
  CHECK(handover_seconds(1) == 0);
  CHECK(handover_seconds(3) > 0);
  CHECK_THROWS_AS(handover_seconds(-1), UsageError);
}

TEST_CASE("a batch gives each input's logits, whatever the session keeps") {
  for (unsigned seed = 0; seed < kNetworks; ++seed) {
    CAPTURE(seed);
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Shape one = network.input_shape();
    const Values inputs = network.input(3);
    const ReferenceRun reference(network.graph(), with_batch(one, 3), inputs);
    std::vector<std::string> keep;
    for (const Node& node : network.graph().nodes().subspan(1)) {
      if (seed % 2 == 0) keep.push_back(node.name);
    }
    for (const Isa isa : testing::available_isas()) {
      const Session session(network.graph(), options_for(one, isa, keep));
      Batch batch(session, 3);
      batch.inputs() = to_tensor(with_batch(one, 3), inputs);
      CHECK(relative_error(batch.run().values(), reference.output()) < 1e-5);
      CHECK(same_bits(batch.run(), batch.run()));
    }
  }
}

TEST_CASE(
    "a batch has the same bits whether threads share each image or take one each through the first layers") {
  for (unsigned seed = 0; seed < kNetworks; ++seed) {
    CAPTURE(seed);
    RandomNetwork network(seed, false, seed % 4 == 1);
    const Shape six = with_batch(network.input_shape(), 6);
    const Tensor inputs = to_tensor(six, network.input(6));
    std::vector<std::string> keep;
    for (const Node& node : network.graph().nodes().subspan(1)) {
      if (seed % 2 == 0) keep.push_back(node.name);
    }
    for (const Isa isa : testing::available_isas()) {
      SessionOptions options = options_for(six, isa, keep);
      options.execution.threads = 4;  // does not divide six images: they share an image
      const Trace shared = Session(network.graph(), options).run(inputs);
      for (const int threads : {1, 2, 3, 6}) {
        CAPTURE(threads);
        options.execution.threads = threads;
        const Trace trace = Session(network.graph(), options).run(inputs);
        CHECK(same_bits(trace.logits(), shared.logits()));
        for (const std::string& name : keep)
          CHECK(same_bits(trace.activation(name), shared.activation(name)));
      }
    }
  }
}

TEST_CASE("a batch is as large as its memory allows") {
  RandomNetwork network(1);
  const Session session(network.graph(), options_for(network.input_shape(), Isa::automatic));
  CHECK(Batch::within(session, std::size_t{1} << 30, 8).size() == 8);
  CHECK(Batch::within(session, std::size_t{1} << 30, 7).size() == 4);
  CHECK(Batch::within(session, 0, 8).size() == 1);
  const std::size_t two = Batch(session, 2).bytes();
  CHECK(Batch::within(session, two, 8).size() == 2);
  CHECK(Batch::within(session, two - 1, 8).size() == 1);
  CHECK_THROWS_AS(Batch(session, 0), UsageError);
  SessionOptions tight = options_for(network.input_shape(), Isa::automatic);
  tight.execution.memory_limit = session.activation_bytes();
  CHECK_THROWS_AS(Batch(Session(network.graph(), tight), 64), Error);
}
