#pragma once

#include <span>
#include <vector>

#include <ablaze/session.hpp>

#include "runtime/run_state.hpp"

namespace ablaze::runtime {

/// One call of Trace::ablate_sets, checked.
struct AblationRequest {
  const RunState& trace;
  NodeId layer = 0;
  int image = 0;
  const Ablation& ablation;
  std::span<const std::vector<int>> sets;  ///< channels in ascending order, none twice
  std::span<const Score> scores;           ///< settled
  const Progress& progress;
};

/// By a delta pass (delta_pass.cpp). Requires SessionOptions::keep_preactivations.
Drops ablate_by_deltas(const AblationRequest& request);

/// By a rerun of the tail behind the layer for every set (rerun.cpp). The tests compare the delta pass with
/// it.
Drops ablate_by_rerun(const AblationRequest& request);

}  // namespace ablaze::runtime
