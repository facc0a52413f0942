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

/// The part of a node's output that an ablation of one channel of a layer changes.
enum class DeltaReach {
  none,     ///< nothing
  channel,  ///< only that channel
  dense     ///< all channels
};

/// A request to lower a graph to a program.
struct LoweringJob {
  enum class Kind {
    network,  ///< the whole network; its kept values stay readable after a run
    batch,    ///< the whole network for another batch: the same fusion, no kept values
    tail,     ///< the slice behind `from`: the caller writes its value; other inputs come from `whole`
    delta     ///< the delta of `result` for deltas of single channels of `from`
  };
  Kind kind = Kind::network;
  const Graph* graph = nullptr;
  std::vector<Shape> shapes;    ///< of every node, for this batch
  std::vector<bool> needed;     ///< whether the output or a kept layer depends on the node
  std::vector<bool> kept;       ///< whether the node's value must be readable after the run
  std::vector<bool> replayed;   ///< whether the node is behind a resumable layer
  bool direct_replays = false;  ///< no Winograd in replayed nodes
  const kernels::KernelTable* table = nullptr;
  WeightStore* store = nullptr;  ///< looks up weights here; packs and stores missing ones
  bool pack = true;              ///< false: only measure the packed size; the program cannot run
  Execution execution;           ///< with threads and isa resolved

  // tail and delta
  NodeId from = 0;
  const Program* whole = nullptr;  ///< the program of the whole network, whose run is read

  // delta
  std::vector<DeltaReach> reach;   ///< of every node
  NodeId result = 0;               ///< a node of DeltaReach::dense
  bool transform_weights = false;  ///< use Winograd also if the whole network uses direct kernels
};

}  // namespace ablaze::runtime
