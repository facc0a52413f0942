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

/// By a delta pass (delta_pass.cpp): needs the layers' inputs that SessionOptions::keep_preactivations
/// keeps.
Drops ablate_by_deltas(const AblationRequest& request);

/// By running all that is behind the layer again for every set (rerun.cpp): the plain way, which the other is
/// tested against.
Drops ablate_by_rerun(const AblationRequest& request);

}  // namespace ablaze::runtime
