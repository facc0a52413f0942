#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <ablaze/session.hpp>

#include "support/reference_run.hpp"

namespace ablaze::testing {

/// The class with the largest logit except `index`.
inline std::size_t runner_up(const Values& logits, std::size_t index) {
  std::size_t best = index == 0 ? 1 : 0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    if (c != index && logits[c] > logits[best]) best = c;
  }
  return best;
}

/// The score of one image in float64; the runner-up is determined by `untouched`.
inline double score_of(const Values& logits, const Score& score, const Values& untouched) {
  const auto index = static_cast<std::size_t>(score.index);
  if (score.kind == Score::Kind::logit) return logits[index];
  if (score.kind == Score::Kind::probability)
    return probabilities(std::span<const double>(logits), score.activation)[index];
  const std::size_t other =
      score.against >= 0 ? static_cast<std::size_t>(score.against) : runner_up(untouched, index);
  return logits[index] - logits[other];
}

}  // namespace ablaze::testing
