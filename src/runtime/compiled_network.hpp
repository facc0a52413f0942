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

/// A network compiled for one input shape: the graph, its program and its packed weights. Immutable but for
/// tails, which are compiled when they are first asked for.
struct CompiledNetwork {
  Graph graph;
  SessionOptions options;  ///< with the execution's threads and isa resolved
  const kernels::KernelTable* table = nullptr;
  std::vector<Shape> shapes;
  std::vector<bool> needed, kept, replayed;
  std::vector<NodeId> resumable;  ///< SessionOptions::keep
  /// The linear layer that gives the output and what it reads, which is kept where something can be resumed:
  /// drops are taken through it as differences. kNoNode where the network ends otherwise.
  NodeId head = kNoNode, head_input = kNoNode;
  WeightStore store;
  Program program;

  CompiledNetwork(const Graph& network, SessionOptions wish);

  /// The node of a kept layer. Throws UsageError.
  NodeId kept_node(std::string_view layer) const;
  /// Throws UsageError where a node is not one to resume from, or the output does not depend on it.
  void require_resumable(NodeId from) const;
  /// Throws Error where activations of this shape cannot stand in a kept layer's place.
  void require_replacement(NodeId from, std::string_view layer, const Shape& replacement) const;
  /// The tail behind a kept layer for a batch of replacements, compiled once. keep_decisions: the inputs of
  /// ReLUs, curves, products and max-pools stay readable after a run.
  std::shared_ptr<const Program> tail(NodeId from, std::int64_t batch, bool keep_decisions = false) const;
  /// Binds a program of this network to memory.
  BoundProgram bind(const Program& of, const Memory& memory, const DeltaInputs& deltas = {}) const {
    return {of, *table, options.execution, memory, deltas};
  }
  /// Of a kept node.
  const Value& value(NodeId node) const;
  /// [batch, ...] of a node.
  Shape shape_for(NodeId node, std::int64_t batch) const;
  /// To lower the whole network for a batch; for other kinds, more is to be filled in.
  LoweringJob job(LoweringJob::Kind kind, std::int64_t batch) const;

 private:
  void find_needed();
  void keep_boundaries(NodeId layer);
  void keep_head_input();
  void check_memory(const Program& compiled, const std::string& what) const;

  mutable std::mutex tails_mutex_;
  mutable std::map<std::tuple<NodeId, std::int64_t, bool>, std::shared_ptr<const Program>> tails_;
};

/// Gives the pages of model files back to the system once their weights are packed. Whoever reads them again,
/// for another session say, has them from its cache.
void release_mapped_files(const Graph& graph);

}  // namespace ablaze::runtime
