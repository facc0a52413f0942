#pragma once

#include "runtime/ablation/delta_program.hpp"
#include "runtime/compiled_network.hpp"
#include "runtime/gradient/program.hpp"

namespace ablaze::runtime {

/// The state that a Session shares with its traces: the compiled network, and its delta and gradient
/// programs, which are compiled at their first use.
struct SessionState {
  CompiledNetwork network;
  DeltaPrograms deltas{network};
  GradientPrograms gradients{network};

  SessionState(const Graph& graph, SessionOptions options) : network(graph, std::move(options)) {}
};

}  // namespace ablaze::runtime
