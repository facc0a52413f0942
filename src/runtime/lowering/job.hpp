#pragma once

#include <memory>
#include <vector>

#include <ablaze/execution.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/tensor.hpp>

#include "kernels/kernels.hpp"
#include "runtime/lowering/packed_weights.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

/// How far an ablation of one channel of a layer reaches in the output of a node.
enum class DeltaReach {
  none,     ///< the output does not change
  channel,  ///< it changes in that channel alone
  dense     ///< it changes everywhere
};

/// What a graph is lowered to.
struct LoweringJob {
  enum class Kind {
    network,  ///< the whole network; its kept values stay readable after a run
    batch,    ///< the whole network for another batch, which fuses what the network fuses and keeps no value
    tail,     ///< what lies behind `from`, whose value the caller fills in; other inputs are in `whole`
    delta     ///< the change of `result` where single channels of `from` change
  };
  Kind kind = Kind::network;
  const Graph* graph = nullptr;
  std::vector<Shape> shapes;    ///< of every node, for this batch
  std::vector<bool> needed;     ///< nodes that the output or a kept layer depends on, of the whole network
  std::vector<bool> kept;       ///< nodes whose values must be readable after the run
  std::vector<bool> replayed;   ///< nodes behind a layer that may be resumed from
  bool direct_replays = false;  ///< no Winograd in replayed nodes
  const kernels::KernelTable* table = nullptr;
  WeightStore* store = nullptr;  ///< weights are looked up here, and packed into it where they are missing
  bool pack = true;              ///< false: only measure what packing takes; the program cannot run
  Execution execution;           ///< with threads and isa resolved

  // tail and delta
  NodeId from = 0;
  const Program* whole = nullptr;  ///< the program of the whole network, whose trace is read

  // delta
  std::vector<DeltaReach> reach;   ///< of every node
  NodeId result = 0;               ///< a node of DeltaReach::dense
  bool transform_weights = false;  ///< use Winograd also where the whole network multiplies directly
};

}  // namespace ablaze::runtime
