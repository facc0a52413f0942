#include "cam/scores.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <ablaze/error.hpp>

namespace ablaze::cam {

namespace {

bool same(const Score& a, const Score& b) {
  return a.kind == b.kind && a.index == b.index && a.activation == b.activation && a.against == b.against;
}

/// The distinct scores of all targets, and the index of each term's score.
struct DistinctScores {
  std::vector<Score> scores;
  std::vector<std::vector<std::size_t>> indices;  ///< [targets][terms]

  explicit DistinctScores(std::span<const Target> targets) {
    for (const Target& target : targets) {
      indices.emplace_back();
      for (const Target::Term& term : target.terms) indices.back().push_back(index_of(term.score));
    }
  }

 private:
  std::size_t index_of(const Score& score) {
    const auto found = std::ranges::find_if(scores, [&](const Score& s) { return same(s, score); });
    const auto index = static_cast<std::size_t>(found - scores.begin());
    if (found == scores.end()) scores.push_back(score);
    return index;
  }
};

void require_finite(const Target& target, const auto& numbers) {
  if (std::ranges::all_of(numbers, [](auto v) { return std::isfinite(v); })) return;
  throw Error("the score of class " + std::to_string(target.terms.at(0).score.index) +
              " is not finite: values of the input or the weights are not finite, or too large");
}

void add(std::vector<double>& sum, double factor, const std::vector<double>& values) {
  sum.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) sum[i] += factor * values[i];
}

std::vector<ChannelDrops> combined_drops(std::span<const Target> targets, const DistinctScores& parts,
                                         const Drops& measured) {
  std::vector<ChannelDrops> effects;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    ChannelDrops effect;
    for (std::size_t i = 0; i < targets[t].terms.size(); ++i) {
      const double factor = targets[t].terms[i].factor;
      const std::size_t index = parts.indices[t][i];
      effect.score += factor * measured.scores.at(index);
      add(effect.drops, factor, measured.drops.at(index));
    }
    require_finite(targets[t], std::vector<double>{effect.score});
    require_finite(targets[t], effect.drops);
    effects.push_back(std::move(effect));
  }
  return effects;
}

/// The weighted sum of gradients; copies a single gradient with factor 1, the usual case.
Tensor combined(const Target& target, const std::vector<std::size_t>& indices, const Gradients& gradient) {
  Tensor sum = gradient.gradients.at(indices[0]);
  if (target.terms.size() == 1 && target.terms[0].factor == 1) return sum;
  for (std::int64_t i = 0; i < sum.size(); ++i) {
    double value = 0;
    for (std::size_t t = 0; t < indices.size(); ++t)
      value += target.terms[t].factor * static_cast<double>(gradient.gradients[indices[t]][i]);
    sum[i] = static_cast<float>(value);
  }
  return sum;
}

double score_of(const Score& score, std::span<const float> logits) {
  const auto logit = [&](std::int64_t c) { return static_cast<double>(logits[c]); };
  if (score.kind == Score::Kind::logit) return logit(score.index);
  if (score.kind == Score::Kind::margin) return logit(score.index) - logit(score.against);
  return probabilities(logits, score.activation)[score.index];
}

}  // namespace

std::vector<ChannelDrops> ablate_channels(const Request& q) {
  const DistinctScores parts(q.targets);
  return combined_drops(q.targets, parts,
                        q.trace.ablate(q.layer, q.ablation, parts.scores, {.progress = q.progress}));
}

std::vector<ChannelDrops> ablate_sets(const Request& q, const Ablation& ablation,
                                      std::span<const std::vector<int>> sets, const Progress& progress) {
  const DistinctScores parts(q.targets);
  return combined_drops(q.targets, parts,
                        q.trace.ablate_sets(q.layer, ablation, sets, parts.scores, {.progress = progress}));
}

std::vector<TargetGradient> gradients(const Request& q, const Tensor* at) {
  const DistinctScores parts(q.targets);
  const Gradients gradient = q.trace.gradient(q.layer, parts.scores, {.at = at});
  std::vector<TargetGradient> slopes;
  for (std::size_t t = 0; t < q.targets.size(); ++t) {
    TargetGradient slope;
    for (std::size_t i = 0; i < q.targets[t].terms.size(); ++i)
      add(slope.scores, q.targets[t].terms[i].factor, gradient.scores.at(parts.indices[t][i]));
    slope.gradient = combined(q.targets[t], parts.indices[t], gradient);
    require_finite(q.targets[t], slope.scores);
    require_finite(q.targets[t], slope.gradient.values());
    slopes.push_back(std::move(slope));
  }
  return slopes;
}

std::span<const float> row(const Tensor& logits, std::int64_t image) {
  const auto classes = static_cast<std::size_t>(logits.size() / logits.dim(0));
  return logits.values().subspan(static_cast<std::size_t>(image) * classes, classes);
}

double score_of(const Target& target, std::span<const float> logits) {
  double sum = 0;
  for (const Target::Term& term : target.terms) sum += term.factor * score_of(term.score, logits);
  return sum;
}

}  // namespace ablaze::cam
