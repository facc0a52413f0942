#pragma once

#include <span>
#include <vector>

#include <ablaze/session.hpp>

#include "runtime/scores.hpp"

namespace ablaze::runtime {

// All scores here are settled: see runtime/scores.hpp.

/// The classes that some score reads, in order: the named ones, or all if a score is a probability.
std::vector<std::int64_t> classes_read(std::int64_t classes, std::span<const Score> scores);

/// The drop of a score if the logits of `classes` drop by `drops`. logits: of all classes.
double drop_of_score(std::span<const double> logits, std::span<const std::int64_t> classes,
                     std::span<const double> drops, const Score& score);

/// Some rows of a network's last linear layer. Products with them are summed in float64.
class HeadRows {
 public:
  HeadRows(const CompiledNetwork& network, std::span<const std::int64_t> classes);
  /// The drop of each row's logit for a delta `change` of the layer's input, [columns].
  std::vector<double> drops(std::span<const float> change) const;
  /// Adds the part of one channel of a flattened [channels, area] to `drops`, [rows].
  void add_drops(std::int64_t channel, std::span<const double> plane, std::span<double> drops) const;

 private:
  std::vector<std::vector<float>> rows_;
};

}  // namespace ablaze::runtime
