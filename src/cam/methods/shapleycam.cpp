#include <algorithm>
#include <numeric>
#include <vector>

#include <xtensor/xmath.hpp>

#include <ablaze/error.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"
#include "cam/result.hpp"
#include "cam/scores.hpp"

// Shapley-CAM: channels' Shapley values, estimated from the second-order Taylor expansion of the score. With
// g = dy/dA and H the second derivatives:
//
//     w_k = mean(g_k - (H A)_k / 2)        map = ReLU(sum_k w_k A_k)
//
// For a logit or a difference of logits, in a network of ReLUs, pools and linear operators, H is zero
// wherever it exists, so this is Grad-CAM. For a probability it is not: H A is computed exactly, without
// finite differences, from the logits' gradients G_c. With v_c = sum(G_c A), the logits' change along A, and
// p = softmax(logits), the gradient of p_c by the logits changes along v at the rate
//
//     q_j = p_c ((v_c - v') ([j = c] - p_j) - p_j (v_j - v')),    v' = sum_j p_j v_j,    H A = sum_j q_j G_j

namespace ablaze::cam {

namespace {

// Classes whose probabilities add up to less than this change no digit of a map.
constexpr double kNegligible = 1e-6;

/// The smallest set of classes, ascending, such that the others add up to a negligible probability; always
/// includes `wanted`.
std::vector<std::int64_t> classes_that_matter(std::span<const double> p, std::int64_t wanted) {
  std::vector<std::int64_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  const auto chance = [&](std::int64_t c) { return p[c]; };
  std::ranges::stable_sort(order, [&](auto a, auto b) { return chance(a) < chance(b); });
  double dropped = 0;
  std::vector<std::int64_t> kept;
  for (const std::int64_t c : order) {
    const bool drop = dropped + chance(c) <= kNegligible && c != wanted;
    if (drop) {
      dropped += chance(c);
    } else {
      kept.push_back(c);
    }
  }
  std::ranges::sort(kept);
  return kept;
}

/// dp/dlogits of a probability, and its rate of change as the logits move along v.
struct Derivatives {
  std::vector<double> first, second;
};

/// p and v of the relevant classes; `c`: the target's index among them.
Derivatives of_softmax(std::span<const double> p, std::span<const double> v, std::size_t c) {
  double mean = 0;
  for (std::size_t j = 0; j < p.size(); ++j) mean += p[j] * v[j];
  Derivatives d;
  for (std::size_t j = 0; j < p.size(); ++j) {
    const double own = j == c ? 1 : 0;
    d.first.push_back(p[c] * (own - p[j]));
    d.second.push_back(p[c] * ((v[c] - mean) * (own - p[j]) - p[j] * (v[j] - mean)));
  }
  return d;
}

Derivatives of_sigmoid(double p, double v) { return {{p * (1 - p)}, {p * (1 - p) * (1 - 2 * p) * v}}; }

/// g - H A / 2 of one probability, [C, H, W].
class OfProbability {
 public:
  OfProbability(const Request& q, const Score& score)
      : p_(probabilities(row(q.trace.logits(), 0), score.activation)),
        a_(planes_of(q.trace.activation(q.layer))) {
    const bool softmax = score.activation == Activation::softmax;
    classes_ = softmax ? classes_that_matter(p_, score.index) : std::vector<std::int64_t>{score.index};
    std::vector<Score> logits;
    for (const std::int64_t c : classes_) logits.push_back({.index = c});
    pulled_ = q.trace.gradient(q.layer, logits, {.progress = q.progress});
    const auto place = static_cast<std::size_t>(std::ranges::find(classes_, score.index) - classes_.begin());
    derivatives_ = softmax ? of_softmax(chances(), changes(), place) : of_sigmoid(chances()[0], changes()[0]);
  }

  xt::xtensor<double, 3> value() const {
    xt::xtensor<double, 3> sum = xt::zeros_like(a_);
    for (std::size_t j = 0; j < classes_.size(); ++j)
      sum += (derivatives_.first[j] - derivatives_.second[j] / 2) * planes_of(pulled_.gradients[j]);
    return sum;
  }

 private:
  std::vector<double> chances() const {
    std::vector<double> out;
    for (const std::int64_t c : classes_) out.push_back(p_[c]);
    return out;
  }
  /// v_c: the rate of change of each logit along A.
  std::vector<double> changes() const {
    std::vector<double> out;
    for (const Tensor& g : pulled_.gradients) out.push_back(xt::sum(planes_of(g) * a_)());
    return out;
  }

  std::vector<double> p_;
  xt::xtensor<double, 3> a_;
  std::vector<std::int64_t> classes_;
  Gradients pulled_;
  Derivatives derivatives_;
};

/// g - H A / 2 of a target's term.
xt::xtensor<double, 3> of_score(const Request& q, const Score& score) {
  if (score.kind == Score::Kind::probability) return OfProbability(q, score).value();
  return planes_of(q.trace.gradient(q.layer, {&score, 1}, {.progress = q.progress}).gradients.at(0));
}

Result shapleycam_result(const Request& q, const Target& target) {
  const Tensor activation = q.trace.activation(q.layer);
  xt::xtensor<double, 1> weights = xt::zeros<double>({static_cast<std::size_t>(activation.dim(1))});
  bool curved = false;
  for (const Target::Term& term : target.terms) {
    weights += term.factor * xt::mean(of_score(q, term.score), {1, 2});
    curved = curved || term.score.kind == Score::Kind::probability;
  }
  Result out = result_from(activation, std::vector<double>(weights.begin(), weights.end()));
  if (!curved)
    append(out.note, "the logit's second derivatives behind ReLUs are zero: this is Grad-CAM's map");
  return out;
}

std::vector<Result> shapleycam_maps(const Request& request) {
  std::vector<Result> results;
  for (const Target& target : request.targets) results.push_back(shapleycam_result(request, target));
  return results;
}

}  // namespace

constexpr Method shapleycam{
    .id = "shapleycam",
    .name = "Shapley-CAM",
    .summary = "Weights each channel by a second-order estimate of its Shapley value.",
    .paper = "H. Cai, CAMs as Shapley Value-based Explainers, The Visual Computer, 2025 (arXiv:2501.06261)",
    .passes = "one backward pass to the layer; for a softmax probability, one per class with a share in it",
    .needs_gradients = true,
    .cost = one_gradient,
    .explain = shapleycam_maps,
};

}  // namespace ablaze::cam
