#include <doctest/doctest.h>

#include <ablaze/session.hpp>

#include "memory/small.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

SessionOptions session_options() {
  SessionOptions options;
  options.input = {1, 3, 12, 12};
  options.keep = {"relu1", "relu2"};
  options.execution.threads = 1;
  return options;
}

const Tensor& input() {
  static const Tensor tensor = seeded_tensor("input", {1, 3, 12, 12});
  return tensor;
}

Session compiled() { return {small_model().graph, session_options()}; }

struct Ran {
  Session session = compiled();
  Trace trace = session.run(input());
};
Ran ran() { return {}; }

std::string bytes_of(const Drops& drops) {
  std::string bytes = to_string(drops.method);
  add_bytes(bytes, drops.scores);
  for (const auto& row : drops.drops) add_bytes(bytes, row);
  return bytes;
}

const std::vector<Score> scores{
    {Score::Kind::logit, 1}, {Score::Kind::probability, 2}, {Score::Kind::margin, 0}};

}  // namespace

TEST_CASE("a network is compiled, or there is not enough memory") {
  const Graph graph = small_model().graph;
  run_out_of_memory(nothing, [&](Nothing) {
    const Session session(graph, session_options());
    std::string bytes;
    for (const StepInfo& step : session.steps()) bytes += step.name + step.kind + step.algorithm;
    return bytes;
  });
}

TEST_CASE("a network runs, or there is not enough memory") {
  run_out_of_memory(compiled, [](const Session& session) {
    const Trace trace = session.run(input());
    std::string bytes;
    add_bytes(bytes, trace.logits());
    add_bytes(bytes, trace.activation("relu1"));
    add_bytes(bytes, trace.resume("relu1", trace.activation("relu1")));
    return bytes;
  });
}

TEST_CASE("a batch runs, or there is not enough memory") {
  run_out_of_memory(compiled, [](const Session& session) {
    Batch batch = Batch::within(session, std::uint64_t{1} << 20, 4);
    for (std::int64_t i = 0; i < batch.inputs().size(); ++i) batch.inputs()[i] = input()[i % input().size()];
    std::string bytes;
    add_bytes(bytes, batch.run());
    return bytes;
  });
}

TEST_CASE("channels are ablated, or there is not enough memory") {
  for (const bool rerun : {false, true}) {
    for (const char* layer : {"relu1", "relu2"}) {
      CAPTURE(rerun);
      CAPTURE(layer);
      run_out_of_memory(ran, [&](const Ran& state) {
        AblateOptions how;
        how.rerun = rerun;
        return bytes_of(state.trace.ablate(layer, {}, scores, how));
      });
    }
  }
}

TEST_CASE("gradients are taken, or there is not enough memory") {
  run_out_of_memory(ran, [](const Ran& state) {
    std::string bytes;
    for (const Tensor& gradient : state.trace.gradient("relu1", scores).gradients) add_bytes(bytes, gradient);
    return bytes;
  });
}

TEST_CASE("a tensor is moved without memory") {
  Tensor tensor = seeded_tensor("input", {2, 3});
  fail_request(1, Failing::onwards);
  Tensor moved = std::move(tensor);
  tensor = std::move(moved);
  const Requests requests = stop_failing();
  CHECK(requests.made == 0);
  CHECK(tensor.size() == 6);
}

TEST_CASE("several threads give the same bits, or there is not enough memory, wherever it ended") {
  // The order of requests depends on the threads: a request is one of many, not always the same one. Thread
  // creation may fail as well.
  const auto act = [](Nothing) {
    SessionOptions several = session_options();
    several.execution.threads = 3;
    const Session session(small_model().graph, several);
    const Trace trace = session.run(input());
    std::string bytes = bytes_of(trace.ablate("relu1", {}, scores));
    add_bytes(bytes, trace.logits());
    for (const Tensor& gradient : trace.gradient("relu2", scores).gradients) add_bytes(bytes, gradient);
    return bytes;
  };
  std::string expected;
  {
    fail_request(never, Failing::once);
    expected = act({});
    stop_failing();
  }
  int refused = 0;
  const std::int64_t made = requests_of(nothing, act);
  for (const Failing how : {Failing::once, Failing::onwards}) {
    for (const std::int64_t number : chosen_requests(made, 600)) {
      CAPTURE(number);
      Nothing none;
      const Ending ending = attempt(none, act, number, how);
      CHECK(ending.kind != Ending::another_error);
      if (ending.kind == Ending::done) CHECK(ending.result == expected);
      refused += ending.requests.refused ? 1 : 0;
    }
  }
  CHECK(refused > 0);
}
