// A network on each source of threads: the same bits as on one thread, in a child after fork(), on a caller's
// threads.
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/session.hpp>

#include "support/random_network.hpp"
#include "threads/forked.hpp"
#include "threads/threads.hpp"

using namespace ablaze;
using ablaze::testing::RandomNetwork;

namespace {

/// Logits, drops and gradients of a small network as bytes.
std::string answers(unsigned seed, const Execution& execution) {
  RandomNetwork network(seed);
  SessionOptions options;
  options.input = network.input_shape();
  options.execution = execution;
  const std::string layer = network.graph().nodes()[1].name;
  options.keep = {layer};
  const Session session(network.graph(), options);
  const std::vector<double> numbers = network.input();
  const std::vector<float> input(numbers.begin(), numbers.end());
  const Trace trace = session.run(Tensor(options.input, input));
  std::string bytes;
  const auto add = [&](std::span<const std::byte> more) {
    bytes.append(reinterpret_cast<const char*>(more.data()), more.size());
  };
  add(std::as_bytes(trace.logits().values()));
  const Score score;
  if (session.layer_shape(layer).size() == 4) {
    const Drops drops = trace.ablate(layer, {}, {&score, 1});
    add(std::as_bytes(std::span(drops.drops.front())));
  }
  const Gradients gradients = trace.gradient(layer, {&score, 1});
  add(std::as_bytes(gradients.gradients.front().values()));
  return bytes;
}

Execution with_threads(int threads) {
  Execution execution;
  execution.threads = threads;
  return execution;
}

/// Provides half of the requested threads, like a pool shared by several sessions.
class Half : public Executor {
 public:
  int run(int most, const Work& work) override {
    const int members = (most + 1) / 2;
    std::vector<std::thread> threads;
    for (int member = 1; member < members; ++member) threads.emplace_back(work, member, members);
    work(0, members);
    for (std::thread& thread : threads) thread.join();
    return members;
  }
};

/// Members that arrive at any point of the others' work, or after its end.
class Late : public Executor {
 public:
  int run(int most, const Work& work) override {
    std::vector<std::thread> threads;
    for (int member = 1; member < most; ++member) {
      const std::chrono::microseconds delay(++runs_ * 37 % 500);
      threads.emplace_back([&work, member, most, delay] {
        std::this_thread::sleep_for(delay);
        work(member, most);
      });
    }
    work(0, most);
    for (std::thread& thread : threads) thread.join();
    return most;
  }

 private:
  std::atomic<int> runs_{0};
};

}  // namespace

TEST_CASE("a network gives the same bits whatever threads it runs on") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    const std::string expected = answers(seed, with_threads(1));
    for (const int threads : {2, 3, 7}) CHECK(answers(seed, with_threads(threads)) == expected);
    Execution own = with_threads(5);
    own.executor = std::make_shared<Half>();
    CHECK(answers(seed, own) == expected);
    own.executor = std::make_shared<Late>();
    for (int round = 0; round < 5; ++round) CHECK(answers(seed, own) == expected);
  }
}

TEST_CASE("a child after fork() explains as its parent does") {
  const std::string expected = answers(3, with_threads(3));
  CHECK(testing::status_of_child([&] { return answers(3, with_threads(3)) == expected; }) == 0);
  CHECK(answers(3, with_threads(3)) == expected);
}

TEST_CASE("sessions on several threads at once share a caller's threads") {
  const auto executor = std::make_shared<Half>();
  std::vector<std::string> expected, found(4);
  for (unsigned seed = 0; seed < 4; ++seed) expected.push_back(answers(seed, with_threads(1)));
  std::vector<std::thread> callers;
  for (unsigned seed = 0; seed < 4; ++seed) {
    callers.emplace_back([&, seed] {
      Execution execution = with_threads(3);
      execution.executor = executor;
      found[seed] = answers(seed, execution);
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(found == expected);
}
