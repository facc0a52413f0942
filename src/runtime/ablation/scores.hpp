#pragma once

#include <ablaze/session.hpp>
#include <span>
#include <vector>

#include "runtime/compiled_network.hpp"

namespace ablaze::runtime {

/// The logits of one image of a trace.
std::vector<double> logits_of(const RunState& trace, int image);

double score_of(std::span<const double> logits, const Score& score);

/// What a score falls by when the logits fall by `drops`.
double drop_of_score(std::span<const double> logits, std::span<const double> drops, const Score& score);

/// The rows of a network's last linear layer that some scores read: the wanted classes, or all of them for a
/// probability. Products with them are summed in float64.
class HeadRows {
 public:
  HeadRows(const CompiledNetwork& network, std::span<const Score> scores);
  /// How far each logit falls when what the layer reads changes by `change`, [columns]; 0 for those that no
  /// score reads.
  std::vector<double> drops(std::span<const float> change) const;
  /// The part of one channel of a flattened [channels, area]: adds to `drops`.
  void add_drops(std::int64_t channel, std::span<const double> plane, std::span<double> drops) const;

 private:
  std::vector<std::vector<float>> rows_;  // [classes]; empty where nothing reads the row
};

/// Classes that some score reads; all of them where one is a probability.
std::int64_t classes_read(std::int64_t classes, std::span<const Score> scores);

}  // namespace ablaze::runtime
