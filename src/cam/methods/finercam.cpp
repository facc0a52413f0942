#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <ablaze/error.hpp>

#include "cam/methods/methods.hpp"
#include "cam/scores.hpp"

// Finer-CAM explains another score with any base method: the difference to the n classes most similar to the
// target class,
//
//     y = (1/n) sum_d (y_c - strength y_d),    d the classes whose logits are nearest to c's
//
// The paper's code uses n = 3; the default comparison strength here is 1. The most used library weights the
// classes d by their softmax probabilities and differentiates these weights too; the plain mean has the
// derivative given in the paper.

namespace ablaze::cam {

namespace {

const Method& base_of(const Request& request) {
  const Method* base = find_method(request.options.base);
  if (base == nullptr || base->id == "finercam") {
    throw UsageError("finercam cannot use the method \"" + request.options.base +
                     "\": give another method, for example gradcam");
  }
  return *base;
}

/// The classes with the logits nearest to the target's, without the target; ties: the lower index.
std::vector<std::int64_t> nearest_classes(std::span<const float> logits, std::int64_t wanted, int count) {
  const auto logit = [&](std::int64_t c) { return static_cast<double>(logits[c]); };
  std::vector<std::int64_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase(order, wanted);
  std::ranges::stable_sort(order, {}, [&](auto c) { return std::abs(logit(c) - logit(wanted)); });
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  return order;
}

Target difference(const Target& target, std::span<const std::int64_t> others, double strength) {
  Score score = target.terms.at(0).score;
  // A margin is a difference already; compared with several classes, it becomes the logit.
  if (score.kind == Score::Kind::margin) score.kind = Score::Kind::logit;
  Target out{{{score, 1}}};
  for (const std::int64_t c : others) {
    Score other = score;
    other.index = c;
    out.terms.push_back({other, -strength / static_cast<double>(others.size())});
  }
  return out;
}

std::vector<Result> finercam_maps(const Request& request) {
  const MethodOptions& options = request.options;
  if (options.references < 1) throw UsageError("finercam needs at least one similar class to compare with");
  const Method& base = base_of(request);
  const Tensor logits = request.trace.logits();
  std::vector<std::vector<std::int64_t>> others;
  std::vector<Target> targets;
  for (const Target& target : request.targets) {
    others.push_back(nearest_classes(row(logits, 0), target.terms.at(0).score.index, options.references));
    if (others.back().empty()) throw UsageError("finercam needs a network of at least two classes");
    targets.push_back(difference(target, others.back(), options.strength));
  }
  Request finer = request;
  finer.targets = targets;
  std::vector<Result> results = base.explain(finer);
  for (std::size_t i = 0; i < results.size(); ++i) results[i].findings.against = others[i];
  return results;
}

Cost cost(const Shape& layer, const MethodOptions& options) {
  const Method* base = find_method(options.base);
  if (base == nullptr || base->id == "finercam") return {};
  Cost out = base->cost(layer, options);
  out.gradients *= 1 + options.references;
  return out;
}

}  // namespace

constexpr Method finercam{
    .id = "finercam",
    .name = "Finer-CAM",
    .summary =
        "Explains the difference between the class's score and those of similar classes, by any other "
        "method.",
    .paper =
        "Z. Zhang, J. Gu, A. Chowdhury, Z. Mai, D. Carlyn, T. Berger-Wolf, Y. Su and W.-L. Chao, Finer-CAM: "
        "Spotting the Difference Reveals Finer Details for Visual Explanation, CVPR 2025",
    .passes = "those of its base method; one more backward pass per similar class",
    .needs_gradients = true,
    .cost = cost,
    .explain = finercam_maps,
};

}  // namespace ablaze::cam
