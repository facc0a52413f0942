#pragma once

#include <map>
#include <mutex>
#include <tuple>

#include <ablaze/session.hpp>

#include "runtime/execution/execute.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

inline constexpr NodeId kNoNode = -1;

struct DeltaProgram;
class GradientPrograms;

/// What a Session compiled: the network, its program, its packed weights. Immutable but for what is compiled
/// when it is first asked for: tails, delta and gradient programs.
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
  std::shared_ptr<GradientPrograms> gradients;

  CompiledNetwork(const Graph& network, SessionOptions wish);

  /// The node of a kept layer. Throws UsageError.
  NodeId kept_node(std::string_view layer) const;
  /// Throws UsageError where a node is not one to resume from, or the output does not depend on it.
  void require_resumable(NodeId from) const;
  /// Throws Error where activations of this shape cannot stand in a kept layer's place.
  void require_replacement(NodeId from, std::string_view layer, const Shape& replacement) const;
  /// The tail behind a kept layer for a batch of replacements, compiled once. keep_decisions: what ReLUs and
  /// max-pools read stays readable after a run.
  std::shared_ptr<const Program> tail(NodeId from, std::int64_t batch, bool keep_decisions = false) const;
  /// The delta program of a kept layer, compiled once.
  std::shared_ptr<const DeltaProgram> changes(NodeId from, bool through_head) const;
  const Value& value(NodeId node) const;
  /// [batch, ...] of a node.
  Shape shape_for(NodeId node, std::int64_t batch) const;
  /// To lower the whole network; for a tail, more is to be filled in.
  LoweringJob job() const;

 private:
  void find_needed();
  void keep_boundaries(NodeId layer);
  void keep_head_input();
  void check_memory(const Program& compiled, const std::string& what) const;

  mutable std::mutex tails_mutex_;
  mutable std::map<std::tuple<NodeId, std::int64_t, bool>, std::shared_ptr<const Program>> tails_;
  mutable std::map<std::pair<NodeId, bool>, std::shared_ptr<const DeltaProgram>> changes_;
};

/// Gives the pages of model files back to the system once their weights are packed. Whoever reads them again,
/// for another session say, has them from its cache.
void release_mapped_files(const Graph& graph);

/// The memory of one run: what a Trace holds.
struct RunState {
  explicit RunState(std::shared_ptr<const CompiledNetwork> session);
  std::shared_ptr<const CompiledNetwork> session;
  Tensor arena;

  Memory memory() const;
  /// A value of the whole network, row-major.
  Tensor read(NodeId node) const;
};

/// A tail with memory of its own, ready to run over a trace.
class Tail {
 public:
  Tail(const RunState& trace, NodeId from, std::int64_t batch);
  const Value& input() const { return program_->values[program_->input]; }
  const Memory& memory() const { return memory_; }
  /// replacement: row-major, or nullptr where the caller has filled the input. Returns [batch, classes].
  Tensor run(const float* replacement);
  /// A kept value of the tail after a run, row-major.
  Tensor read(NodeId node) const;

 private:
  const CompiledNetwork& session_;
  std::shared_ptr<const Program> program_;
  std::int64_t batch_;
  Tensor arena_;
  Memory memory_;
};

}  // namespace ablaze::runtime
