#pragma once

#include <map>
#include <mutex>
#include <tuple>

#include <ablaze/session.hpp>

#include "runtime/execution/bound_program.hpp"
#include "runtime/lowering/job.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

inline constexpr NodeId kNoNode = -1;

/// A network compiled for one input shape: the graph, its program and its packed weights. Immutable, except
/// that tails are compiled at their first use.
struct CompiledNetwork {
  Graph graph;
  SessionOptions options;  ///< with Execution::threads and isa resolved
  const kernels::KernelTable* table = nullptr;
  std::vector<Shape> shapes;
  std::vector<bool> needed, kept, replayed;
  std::vector<NodeId> resumable;  ///< SessionOptions::keep
  /// The linear layer that computes the output, and the node that it reads. That node is kept if a layer is
  /// resumable: drops are computed from its delta. kNoNode if the network does not end in a linear layer.
  NodeId head = kNoNode, head_input = kNoNode;
  WeightStore store;
  Program program;

  CompiledNetwork(const Graph& network, SessionOptions wish);

  /// The node of a kept layer. Throws UsageError.
  NodeId kept_node(std::string_view layer) const;
  /// Throws UsageError if the node is not resumable or the output does not depend on it.
  void require_resumable(NodeId from) const;
  /// Throws Error if activations of this shape cannot replace those of the kept layer.
  void require_replacement(NodeId from, std::string_view layer, const Shape& replacement) const;
  /// The tail behind a kept layer for a batch of replacements, compiled once. keep_decisions: keeps the
  /// inputs of ReLUs, curves, products and max-pools readable after a run.
  std::shared_ptr<const Program> tail(NodeId from, std::int64_t batch, bool keep_decisions = false) const;
  /// Binds a program of this network to memory.
  BoundProgram bind(const Program& of, const Memory& memory, const DeltaInputs& deltas = {}) const {
    return {of, *table, options.execution, memory, deltas};
  }
  /// The value of a kept node.
  const Value& value(NodeId node) const;
  /// The node's shape for a batch: [batch, ...].
  Shape shape_for(NodeId node, std::int64_t batch) const;
  /// A job that lowers the whole network for a batch. The caller fills in the fields of the other kinds.
  LoweringJob job(LoweringJob::Kind kind, std::int64_t batch) const;

 private:
  void find_needed();
  void keep_boundaries(NodeId layer);
  void keep_head_input();
  void check_memory(const Program& compiled, const std::string& what) const;

  mutable std::mutex tails_mutex_;
  mutable std::map<std::tuple<NodeId, std::int64_t, bool>, std::shared_ptr<const Program>> tails_;
};

/// Releases the pages of model files after packing. A later read, for example by another session, gets them
/// from the system's cache.
void release_mapped_files(const Graph& graph);

}  // namespace ablaze::runtime
