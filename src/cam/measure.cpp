#include "cam/measure.hpp"

#include <cmath>
#include <string>
#include <utility>

#include <ablaze/error.hpp>

namespace ablaze::cam {

namespace {

std::vector<Score> scores_in(std::span<const Target> targets) {
  std::vector<Score> scores;
  for (const Target& target : targets) {
    for (const Target::Term& term : target.terms) scores.push_back(term.score);
  }
  return scores;
}

void require_finite(const Effect& effect, const Target& target) {
  bool finite = std::isfinite(effect.score);
  for (const double drop : effect.drops) finite = finite && std::isfinite(drop);
  if (finite) return;
  throw Error(
      "the score of class " + std::to_string(target.terms.at(0).score.index) +
      " is not a finite number: the input or the weights hold values that are not finite, or too large");
}

/// `measured` is of scores_in(targets), in that order.
std::vector<Effect> put_together(std::span<const Target> targets, const Drops& measured) {
  std::vector<Effect> effects;
  std::size_t s = 0;
  for (const Target& target : targets) {
    Effect effect{0, std::vector<double>(measured.drops.at(s).size())};
    for (const Target::Term& term : target.terms) {
      effect.score += term.factor * measured.scores.at(s);
      for (std::size_t k = 0; k < effect.drops.size(); ++k)
        effect.drops[k] += term.factor * measured.drops.at(s)[k];
      ++s;
    }
    require_finite(effect, target);
    effects.push_back(std::move(effect));
  }
  return effects;
}

double score_of(const Score& score, std::span<const float> logits) {
  const auto logit = [&](std::int64_t c) { return static_cast<double>(logits[static_cast<std::size_t>(c)]); };
  if (score.kind == Score::Kind::logit) return logit(score.index);
  return probabilities(logits, score.activation)[static_cast<std::size_t>(score.index)];
}

}  // namespace

std::vector<Effect> ablate_channels(const Question& q) {
  const std::vector<Score> scores = scores_in(q.targets);
  return put_together(q.targets, q.trace.ablate(q.layer, q.ablation, scores, {.progress = q.progress}));
}

std::vector<Effect> ablate_sets(const Question& q, std::span<const std::vector<int>> sets,
                                const Progress& progress) {
  const std::vector<Score> scores = scores_in(q.targets);
  return put_together(q.targets,
                      q.trace.ablate_sets(q.layer, q.ablation, sets, scores, {.progress = progress}));
}

double score_of(const Target& target, std::span<const float> logits) {
  double sum = 0;
  for (const Target::Term& term : target.terms) sum += term.factor * score_of(term.score, logits);
  return sum;
}

}  // namespace ablaze::cam
