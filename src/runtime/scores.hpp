#pragma once

#include <span>
#include <vector>

#include <ablaze/session.hpp>

#include "runtime/run_state.hpp"

namespace ablaze::runtime {

/// The logits of one image of a trace.
std::vector<double> logits_of(const RunState& trace, int image);

/// The scores with the other class of every margin filled in. `logits` are those of the unchanged run. Throws
/// UsageError if a class does not exist or a margin has no other class.
std::vector<Score> settle(std::span<const Score> scores, std::span<const double> logits);

// Of settled scores:

/// y
double score_of(std::span<const double> logits, const Score& score);
/// dy / dlogits
std::vector<double> score_gradient(std::span<const double> logits, const Score& score);

}  // namespace ablaze::runtime
