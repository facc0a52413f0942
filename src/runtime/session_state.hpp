#pragma once

#include "runtime/ablation/delta_program.hpp"
#include "runtime/compiled_network.hpp"
#include "runtime/gradient/program.hpp"

namespace ablaze::runtime {

/// What a Session shares with its traces: the compiled network, and the programs that ablate its layers and
/// take gradients, which are compiled when they are first asked for.
struct SessionState {
  CompiledNetwork network;
  DeltaPrograms deltas{network};
  GradientPrograms gradients{network};

  SessionState(const Graph& graph, SessionOptions options) : network(graph, std::move(options)) {}
};

}  // namespace ablaze::runtime
