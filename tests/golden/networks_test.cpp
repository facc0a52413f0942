// The engine against PyTorch in float64, on thin networks of every family and every instruction set of this
// processor.

#include <algorithm>
#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include "golden/golden.hpp"
#include "support/seeded.hpp"
#include "support/session_options.hpp"
#include "support/tensors.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

constexpr double kLogitError = 1e-5;
constexpr double kDirectLogitError = 2e-6;
constexpr double kActivationError = 1e-5;
constexpr double kDropError = 1e-4;
constexpr double kGradientError = 1e-5;
constexpr double kBatchError = 1e-6;

// Keeping every layer disables fusion, so this is a different program from the one whose logits are checked.
void check_activations(const Golden& golden, Isa isa) {
  std::vector<std::string> layers;
  for (const auto& activation : golden.activations) layers.push_back(activation.layer);
  const Session session(golden.graph, options_for(golden.input_shape, isa, layers));
  const Trace trace = session.run(golden.input());
  CHECK(relative_error(widened(trace.logits().values()), golden.logits) <= kLogitError);

  for (const auto& expected : golden.activations) {
    CAPTURE(expected.layer);
    const Tensor found = trace.activation(expected.layer);
    REQUIRE(found.shape() == expected.shape);
    double sum = 0;
    double magnitude = 0;
    double square = 0;
    for (const float value : found.values()) {
      sum += value;
      magnitude += std::abs(value);
      square += static_cast<double>(value) * value;
    }
    CHECK(std::abs(sum - expected.sum) <= kActivationError * magnitude);

    const auto count = static_cast<std::int64_t>(expected.sample.size());
    double error = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      error += std::pow(found[i * found.size() / count] - expected.sample[i], 2);
    }
    const double mean_square = square / static_cast<double>(found.size());
    CHECK(std::sqrt(error / static_cast<double>(count)) <= kActivationError * std::sqrt(mean_square));
  }
}

void check_threads(const Golden& golden, SessionOptions options, const Tensor& expected) {
  options.execution.threads = 2;
  CHECK(same_bits(Session(golden.graph, options).run(golden.input()).logits(), expected));
}

void check_direct(const Golden& golden, SessionOptions options) {
  options.execution.winograd = false;
  const Tensor logits = Session(golden.graph, options).run(golden.input()).logits();
  CHECK(relative_error(widened(logits.values()), golden.logits) <= kDirectLogitError);
}

void check_batch(const Golden& golden, Isa isa, const Tensor& batch) {
  const Session single(golden.graph, options_for(golden.image(0).shape(), isa));
  const auto classes = static_cast<std::size_t>(batch.dim(1));
  for (std::int64_t row = 0; row < batch.dim(0); ++row) {
    CAPTURE(row);
    const Tensor alone = single.run(golden.image(row)).logits();
    const auto together = batch.values().subspan(static_cast<std::size_t>(row) * classes, classes);
    CHECK(relative_error(widened(alone.values()), widened(together)) <= kBatchError);
  }
}

void check_forward(const std::string& network) {
  const Golden golden(network);
  for (const Isa isa : available_isas()) {
    CAPTURE(to_string(isa));
    SessionOptions options = options_for(golden.input_shape, isa);
    options.execution.threads = 1;
    const Tensor logits = Session(golden.graph, options).run(golden.input()).logits();
    CHECK(relative_error(widened(logits.values()), golden.logits) <= kLogitError);
    check_threads(golden, options, logits);
    check_direct(golden, options);
    check_batch(golden, isa, logits);
    check_activations(golden, isa);
  }
}

void check_resume(const std::string& network) {
  const Golden golden(network);
  for (const Isa isa : available_isas()) {
    CAPTURE(to_string(isa));
    for (const Node& node : golden.graph.nodes().subspan(1)) {
      CAPTURE(node.name);
      const Session session(golden.graph, options_for(golden.input_shape, isa, {node.name}));
      const Trace trace = session.run(golden.input());
      CHECK(same_bits(trace.resume(node.name, trace.activation(node.name)), trace.logits()));
    }
  }
}

Ablation parse_ablation(const std::string& kind, const Golden& golden, const Shape& layer) {
  Ablation ablation;
  if (kind == "scale") {
    ablation.kind = Ablation::Kind::scale;
    ablation.scale = golden.scale;
  } else if (kind == "mean") {
    ablation.kind = Ablation::Kind::mean;
  } else if (kind == "mask") {
    const std::string size = std::to_string(layer[2]) + "x" + std::to_string(layer[3]);
    ablation.kind = Ablation::Kind::mask;
    ablation.mask = seeded_tensor("mask " + size, {layer[2], layer[3]});
  }
  return ablation;
}

double largest_magnitude(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// If the drops are exactly zero in theory (the mean before a global average pool), PyTorch has a residue of
// about 1e-16, and float32 the rounding error of the logits.
void check_drops(std::span<const double> found, std::span<const double> expected, double logits) {
  if (largest_magnitude(expected) > 1e-12 * logits) {
    CHECK(relative_error(found, expected) <= kDropError);
  } else {
    CHECK(largest_magnitude(found) <= 1e-6 * logits);
  }
}

void check_ablation(const std::string& network) {
  const Golden golden(network);
  const Tensor image = golden.image(0);
  const double logits = largest_magnitude(golden.logits);
  for (const Isa isa : available_isas()) {
    CAPTURE(to_string(isa));
    for (const Golden::Drops& expected : golden.drops) {
      CAPTURE(expected.layer);
      const Session session(golden.graph, options_for(image.shape(), isa, {expected.layer}));
      const Trace trace = session.run(image);
      const auto channels = static_cast<std::size_t>(expected.channels);
      for (std::size_t kind = 0; kind < golden.kinds.size(); ++kind) {
        CAPTURE(golden.kinds[kind]);
        const Ablation ablation =
            parse_ablation(golden.kinds[kind], golden, session.layer_shape(expected.layer));
        const Drops found = trace.ablate(expected.layer, ablation, golden.scores);
        REQUIRE(found.drops.size() == golden.scores.size());
        for (std::size_t score = 0; score < golden.scores.size(); ++score) {
          CAPTURE(golden.score_names[score]);
          REQUIRE(found.drops[score].size() == channels);
          check_drops(found.drops[score],
                      expected.values.subspan((kind * golden.scores.size() + score) * channels, channels),
                      logits);
        }
      }
    }
  }
}

void check_gradient(std::span<const float> found, const Golden::Gradient& expected, const Tensor& direction) {
  double square = 0, projection = 0, length = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double g = found[i], d = direction.values()[i];
    square += g * g, projection += g * d, length += d * d;
  }
  const double error = kGradientError * expected.norm, count = static_cast<double>(found.size());
  CHECK(std::abs(std::sqrt(square) - expected.norm) <= error);
  CHECK(std::abs(projection - expected.projection) <= error * std::sqrt(length / count));
  for (std::size_t i = 0; i < expected.sample.size(); ++i) {
    CHECK(std::abs(found[i * found.size() / expected.sample.size()] - expected.sample[i]) <= error);
  }
}

void check_gradients(const std::string& network) {
  const Golden golden(network);
  std::vector<std::string> layers;
  for (const auto& activation : golden.activations) layers.push_back(activation.layer);
  for (const Isa isa : available_isas()) {
    CAPTURE(to_string(isa));
    const Session session(golden.graph, options_for(golden.input_shape, isa, layers));
    const Trace trace = session.run(golden.input());
    Gradients found;
    for (const Golden::Gradient& expected : golden.gradients) {
      CAPTURE(expected.layer);
      CAPTURE(expected.score);
      if (expected.score == 0) found = trace.gradient(expected.layer, golden.gradient_scores);
      const Tensor& gradient = found.gradients[expected.score];
      check_gradient(gradient.values(), expected,
                     seeded_tensor("direction " + expected.layer, gradient.shape()));
    }
  }
}

}  // namespace

TEST_CASE("seeded tensors are those of the Python twin") {
  const Tensor conv = seeded_tensor("layer1.0.conv1.weight", {3, 5, 3, 3});
  CHECK(conv[133] == -0x1.a1fc44p-3F);
  CHECK(conv[134] == 0x1.c10772p-6F);
  CHECK(seeded_tensor("bn1.weight", {4}, 0.5)[3] == 0x1.7fb11p-2F);
  CHECK(seeded_tensor("fc.bias", {3})[2] == -0x1.c26e5p-4F);
  CHECK(seeded_tensor("mask 2x3", {2, 3})[5] == 0x1.060e1ap-1F);
  CHECK(seeded_tensor("input", {4})[3] == -0x1.cdeff8p-1F);
  CHECK(seeded_tensor("x.running_var", {2})[1] == 0x1.1185dap-1F);
}

// One line per network, four cases each: a failure reports what failed, the network, and (captured) the
// layer, the instruction set, the kind of ablation and the score.
#define NETWORK(name)       \
  NETWORK_NOT_RESUMED(name) \
  TEST_CASE(name " resumed runs") { check_resume(name); }
// Resuming from every layer takes the square of their number.
#define NETWORK_NOT_RESUMED(name)                             \
  TEST_CASE(name " forward") { check_forward(name); }         \
  TEST_CASE(name " ablation drops") { check_ablation(name); } \
  TEST_CASE(name " gradients") { check_gradients(name); }

NETWORK("resnet18")
NETWORK("resnet18_odd")
NETWORK("bottleneck")
NETWORK("resnext_odd")
NETWORK("densenet")
NETWORK("squeezenet1_1")
#ifndef ABLAZE_SANITIZED  // larger networks take minutes there, and run the same code
NETWORK("resnet34")
NETWORK("resnet50")
NETWORK("resnet101")
NETWORK("resnext50")
NETWORK("wide_resnet50")
NETWORK("vgg11")
NETWORK("vgg11_bn")
NETWORK("vgg13")
NETWORK("vgg13_bn")
NETWORK("vgg16")
NETWORK("vgg16_bn")
NETWORK("vgg19")
NETWORK("vgg19_bn")
NETWORK("alexnet")
NETWORK("squeezenet1_0")
NETWORK_NOT_RESUMED("mobilenet_v2")
NETWORK_NOT_RESUMED("mobilenet_v3_small")
NETWORK_NOT_RESUMED("mobilenet_v3_large")
NETWORK_NOT_RESUMED("googlenet")
NETWORK_NOT_RESUMED("inception_v3")
NETWORK_NOT_RESUMED("mnasnet")
NETWORK("shufflenet_v2")
NETWORK("efficientnet")
NETWORK("efficientnet_v2")
NETWORK("regnet_y")
#endif
