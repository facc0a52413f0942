#pragma once

#include <span>
#include <vector>

#include <ablaze/session.hpp>

#include "runtime/scores.hpp"

namespace ablaze::runtime {

// Scores are settled ones everywhere here: see runtime/scores.hpp.

/// The classes that some score reads, in order: those that are named, or all where one is a probability.
std::vector<std::int64_t> classes_read(std::int64_t classes, std::span<const Score> scores);

/// What a score falls by when the logits of `classes` fall by `drops`; `logits` are all of them.
double drop_of_score(std::span<const double> logits, std::span<const std::int64_t> classes,
                     std::span<const double> drops, const Score& score);

/// Some rows of a network's last linear layer. Products with them are summed in float64.
class HeadRows {
 public:
  HeadRows(const CompiledNetwork& network, std::span<const std::int64_t> classes);
  /// How far each row's logit falls when what the layer reads changes by `change`, [columns].
  std::vector<double> drops(std::span<const float> change) const;
  /// The part of one channel of a flattened [channels, area]: adds to `drops`, [rows].
  void add_drops(std::int64_t channel, std::span<const double> plane, std::span<double> drops) const;

 private:
  std::vector<std::vector<float>> rows_;
};

}  // namespace ablaze::runtime
