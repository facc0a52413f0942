#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include <ablaze/error.hpp>
#include <ablaze/xtensor.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"
#include "cam/result.hpp"
#include "cam/scores.hpp"

// Integrated gradients over a layer's channels: all channels are scaled together from zero, and each is
// attributed the integral of its activations times the gradient along this path,
//
//     a_k = integral over t in [0, 1] of sum(A_k dy/dA_k at t A) dt        sum_k a_k = y(A) - y(0)
//     w_k = a_k / |y|        map = ReLU(sum_k w_k A_k)
//
// The paper integrates from a baseline input. This integrates in a layer, from zero activations, and sums the
// attributions over each channel's locations, so that they are comparable to Ablation-CAM's drops.
//
// The integrand of a ReLU network is piecewise constant in t. Its nodes are halves, quarters, eighths, ...:
// each step doubles their number and reuses the existing ones, until the parts add up.

namespace ablaze::cam {

namespace {

constexpr double kMaxGap = 1e-3;  // of y(A) - y(0)
constexpr std::int64_t kMaxIntervals = 4096;
constexpr std::int64_t kMaxImages = 8;

Tensor scaled(const Tensor& activation, std::span<const double> factors) {
  Shape shape = activation.shape();
  shape[0] = static_cast<std::int64_t>(factors.size());
  Tensor out = Tensor::uninitialised(shape);
  float* to = out.data();
  for (const double t : factors) {
    to = std::ranges::transform(activation.values(), to, [t](float v) {
           return static_cast<float>(t * static_cast<double>(v));
         }).out;
  }
  return out;
}

/// y at the layer's own activations and at zero.
struct Ends {
  double whole = 0, nothing = 0;
  double difference() const { return whole - nothing; }
  /// The gap cannot be smaller than the rounding errors of the two scores.
  double allowed_gap() const {
    return std::max(kMaxGap * std::abs(difference()), 1e-6 * (std::abs(whole) + std::abs(nothing)));
  }
};

using Parts = xt::xtensor<double, 1>;  // [C]

/// The path integral for one target, with nodes at j / n, 0 < j < n. The first and last nodes have 1.5 times
/// the weight of the others, so that the weights add up to 1.
class PathIntegral {
 public:
  PathIntegral(const Request& q, const Tensor& activation)
      : q_(q), activation_(activation), a_(planes_of(activation)) {
    inner_ = integrand({0.5});
    outer_ = 2 * inner_;  // the only node is both the first and the last
  }

  void halve_intervals() {
    intervals_ *= 2;
    const auto n = static_cast<double>(intervals_);
    std::vector<double> between;  // the odd multiples of 1 / n except the first and the last
    for (std::int64_t j = 3; j < intervals_ - 1; j += 2) between.push_back(static_cast<double>(j) / n);
    outer_ = integrand({1 / n, 1 - 1 / n});
    inner_ += outer_ + integrand(between);
  }

  std::vector<double> parts() const {
    const Parts sum = (inner_ + outer_ / 2) / static_cast<double>(intervals_);
    return {sum.begin(), sum.end()};
  }
  double gap(const Ends& ends) const {
    const std::vector<double> all = parts();
    return std::accumulate(all.begin(), all.end(), 0.0) - ends.difference();
  }
  bool exhausted() const { return intervals_ >= kMaxIntervals; }
  std::int64_t nodes() const { return intervals_ - 1; }

 private:
  /// sum(A_k dy/dA_k) at t A, summed over the nodes t.
  Parts integrand(const std::vector<double>& nodes) const {
    Parts sum = xt::zeros<double>({a_.shape(0)});
    for (std::size_t first = 0; first < nodes.size(); first += kMaxImages) {
      const std::size_t count = std::min<std::size_t>(kMaxImages, nodes.size() - first);
      const Tensor at = scaled(activation_, std::span(nodes).subspan(first, count));
      const TargetGradient slope = std::move(gradients(q_, &at).at(0));
      const auto g = as_xtensor<4>(slope.gradient);
      for (std::size_t i = 0; i < count; ++i) {
        const xt::xtensor<double, 3> terms = a_ * xt::view(g, i);
        const Parts of_node = xt::sum(terms, {1, 2});
        sum += of_node;
      }
    }
    return sum;
  }

  const Request& q_;
  const Tensor& activation_;
  xt::xtensor<double, 3> a_;
  std::int64_t intervals_ = 2;
  Parts inner_;  // of all nodes
  Parts outer_;  // of the first and the last
};

/// `request` has one target: the number of intervals must not depend on other targets.
Result integrated_gradients_result(const Request& request, const Tensor& activation, const Ends& ends) {
  PathIntegral path(request, activation);
  while (!path.exhausted() && std::abs(path.gap(ends)) > ends.allowed_gap()) {
    // The number of further nodes is unknown; it is at least the current number.
    if (request.progress && !request.progress(path.nodes(), 2 * path.nodes() + 1)) throw Cancelled();
    path.halve_intervals();
  }
  std::vector<double> parts = path.parts();
  Result out = result_from_parts(activation, parts, ends.whole);
  out.findings.attributions = std::move(parts);
  out.findings.completeness = {ends.difference(), path.gap(ends), path.nodes()};
  if (std::abs(path.gap(ends)) > ends.allowed_gap()) {
    append(out.note, "the parts do not add up to y(A) - y(0) within 0.1% after " +
                         std::to_string(path.nodes()) + " gradients");
  }
  return out;
}

std::vector<Result> integrated_gradients_maps(const Request& request) {
  const Tensor activation = request.trace.activation(request.layer);
  const Tensor whole = request.trace.logits();
  const Tensor nothing = request.trace.resume(request.layer, Tensor(activation.shape()));
  std::vector<Result> results;
  for (const Target& target : request.targets) {
    Request one = request;
    one.targets = {&target, 1};
    results.push_back(integrated_gradients_result(
        one, activation, {score_of(target, row(whole, 0)), score_of(target, row(nothing, 0))}));
  }
  return results;
}

}  // namespace

constexpr Method integrated_gradients{
    .id = "integrated-gradients",
    .name = "Integrated gradients over channels",
    .summary = "Weights each channel by its gradient, integrated on the path from zero to the activations.",
    .paper = "M. Sundararajan, A. Taly and Q. Yan, Axiomatic Attribution for Deep Networks, ICML 2017",
    .passes = "backward passes to the layer at 1, 3, 7, 15, ... points until the parts add up within 0.1%",
    .needs_gradients = true,
    .cost = [](const Shape&, const MethodOptions&) { return Cost{.gradients = 31}; },
    .explain = integrated_gradients_maps,
};

}  // namespace ablaze::cam
