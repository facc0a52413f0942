// Guards speed without absolute times: two things that this machine does are timed in alternation, and their
// ratio must hold. A neighbour can spoil a try, hence several; a kernel that lost a third of its speed fails
// them all.
#include <doctest/doctest.h>
#include <ablaze/session.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "support/isas.hpp"

using namespace ablaze;

namespace {

/// Of what a processor reached, the share that must hold: a fall by a third is seen.
constexpr double kShare = 0.7;
constexpr int kTries = 9;
constexpr int kTurns = 3;
constexpr int kRunsPerTurn = 5;

struct Layer {
  int in_channels, out_channels, size;
  int groups = 1;
  double operations() const { return 2.0 * 9 * in_channels / groups * out_channels * size * size; }
};

/// Small numbers of both signs.
Tensor filled(Shape shape) {
  Tensor tensor(std::move(shape));
  for (std::int64_t i = 0; i < tensor.size(); ++i) tensor[i] = static_cast<float>(i % 17 - 8) / 64;
  return tensor;
}

/// One 3x3 convolution on one thread, which no other core's cache can slow down.
Session compile(const Layer& layer, Isa isa, bool winograd) {
  Graph graph;
  const NodeId input = graph.add("input", op::Input{{layer.in_channels, layer.size, layer.size}}, {});
  op::Conv2d conv;
  conv.weight = filled({layer.out_channels, layer.in_channels / layer.groups, 3, 3});
  conv.groups = layer.groups;
  conv.padding = {1, 1};
  graph.add("relu", op::Relu{}, {graph.add("conv", conv, {input})});
  SessionOptions options;
  options.input = {1, layer.in_channels, layer.size, layer.size};
  options.execution.threads = 1;
  options.execution.isa = isa;
  options.execution.winograd = winograd;
  return Session(graph, options);
}

double seconds(const Session& session, const Tensor& input) {
  return 1e-3 * session.profile(input, kRunsPerTurn).front();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Calls attempt(), which returns a ratio, until it is at least `bound`; the best of all tries.
template <class Attempt>
double best_ratio(double bound, Attempt attempt) {
  double best = 0;
  for (int i = 0; i < kTries && best < bound; ++i) best = std::max(best, attempt());
  return best;
}

std::vector<Isa> fast_isas() {
  std::vector<Isa> isas = ablaze::testing::available_isas();
  std::erase(isas, Isa::baseline);
  if (isas.empty()) MESSAGE("skipped: this processor has no fast instruction set");
  return isas;
}

constexpr double kNone = 1e9;

/// The ratios that processors reached: how much arithmetic they do per load and per permutation differs.
struct Measured {
  double zen4, emerald_rapids, zen3;  ///< kNone: it lacks the instruction set
  double least() const { return std::min({zen4, emerald_rapids, zen3}); }
};

/// The lowest ratio to accept. A processor of another kind is held to the least of all.
double lowest_accepted(const Measured& measured) {
  if (!__builtin_cpu_is("amdfam19h")) return kShare * measured.least();
  return kShare * (__builtin_cpu_supports("avx512f") ? measured.zen4 : measured.zen3);
}

/// The share of the arithmetic peak that a layer's direct convolution reaches.
double share_of_peak(const Layer& layer, Isa isa, double bound) {
  const Session session = compile(layer, isa, false);
  const Tensor input = filled(session.options().input);
  return best_ratio(bound, [&] {
    std::vector<double> speeds, peaks;
    for (int turn = 0; turn < kTurns; ++turn) {
      speeds.push_back(layer.operations() / seconds(session, input));
      peaks.push_back(measured_peak(isa, 1));
    }
    return median(speeds) / median(peaks);
  });
}

}  // namespace

TEST_CASE("the direct convolution keeps near the arithmetic peak") {
  for (const Isa isa : fast_isas()) {
    CAPTURE(to_string(isa));
    const double bound =
        lowest_accepted(isa == Isa::avx512 ? Measured{0.97, 0.96, kNone} : Measured{0.95, 0.90, 0.82});
    CHECK(share_of_peak({64, 64, 28}, isa, bound) >= bound);
  }
}

TEST_CASE("a convolution in groups of four channels multiplies no zeros") {
  for (const Isa isa : fast_isas()) {
    CAPTURE(to_string(isa));
    const double bound =
        lowest_accepted(isa == Isa::avx512 ? Measured{0.92, 0.55, kNone} : Measured{0.74, 0.59, 0.37});
    CHECK(share_of_peak({128, 128, 56, 32}, isa, bound) >= bound);
  }
}

TEST_CASE("Winograd's convolution keeps its lead over the direct one") {
  const Layer layer{128, 128, 56};
  for (const Isa isa : fast_isas()) {
    CAPTURE(to_string(isa));
    const double bound =
        lowest_accepted(isa == Isa::avx512 ? Measured{3.3, 2.55, kNone} : Measured{3.0, 2.84, 2.9});
    const Session direct = compile(layer, isa, false), winograd = compile(layer, isa, true);
    const Tensor input = filled(direct.options().input);
    const double ratio = best_ratio(bound, [&] {
      std::vector<double> slow, fast;
      for (int turn = 0; turn < kTurns; ++turn) {
        slow.push_back(seconds(direct, input));
        fast.push_back(seconds(winograd, input));
      }
      return median(slow) / median(fast);
    });
    CHECK(ratio >= bound);
  }
}
