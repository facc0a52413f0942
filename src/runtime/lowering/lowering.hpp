#pragma once

// The implementation of lower() (described in lower.cpp); private to this folder.

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "runtime/lowering/job.hpp"
#include "runtime/lowering/lower.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

template <class T>
bool is(const Node& node) {
  return std::holds_alternative<T>(node.op);
}

/// Selects the leading steps of a whole network's program. Does not affect any bit of a result. `kept`:
/// values that must hold the whole batch.
void lead(Program& program, const LoweringJob& job, std::span<const ValueId> kept);

class Lowering {
 public:
  explicit Lowering(const LoweringJob& job) : job_(job), graph_(*job.graph) {}
  Program run();

 private:
  bool delta() const { return job_.kind == LoweringJob::Kind::delta; }
  /// A tail or a delta program, which reads values of a run of the whole network.
  bool partial() const { return delta() || job_.kind == LoweringJob::Kind::tail; }
  NodeId result() const { return delta() ? job_.result : graph_.output(); }
  DeltaReach reach_of(NodeId id) const { return job_.reach[id]; }
  NodeId root(NodeId id) const { return roots_[id]; }
  const Shape& shape(NodeId id) const { return job_.shapes[id]; }
  bool needed(NodeId id) const { return job_.needed[id]; }
  bool kept(NodeId id) const { return kept_[id]; }
  bool computed(NodeId id) const { return computed_[id]; }

  // lower.cpp: the computed nodes and their order
  /// Resolves Identity nodes, and selects the nodes that this program computes.
  void find_roots();
  /// Counts readers in the whole network, so that a tail fuses the same nodes; for a delta program, only its
  /// own readers.
  void count_readers();
  /// A value's border is the widest padding of its convolutions.
  void find_borders();
  void plan();

  // values.cpp: the values and their layouts
  ValueId add_value(NodeId node, Layout layout);
  ValueId add_value(NodeId node, Value value);
  /// The input is planar for a first convolution, blocked for other operators.
  void lower_input();
  /// The deltas of a channel-local node's planes: [C][H][W], written by the caller.
  ValueId planes(NodeId node);
  /// The node before flattening of a flattened channel-local node.
  NodeId source_of_planes(NodeId node) const;
  kernels::Extent flattened_planes(NodeId node) const;
  /// A node's value in the unchanged run, for the ReLU or max-pool that reads it; shared by all images.
  ValueId base_value(NodeId node);
  /// Whether a step reads planes of a few channels instead of a dense state.
  bool reads_planes(NodeId node) const;
  /// The second summand of an addition; kNone if it does not change.
  ValueId addend(NodeId node);
  /// The value of a node's output; for a tail, adds a value of the whole network's run if needed.
  ValueId value(NodeId node);
  /// Throws Error if two summands order their features differently (flattened planes, plain rows).
  void expect_one_order(NodeId add, ValueId in, ValueId other, bool in_becomes_plain) const;
  /// Elementwise steps keep their input's order of features; a linear layer's output is plain.
  ValueId add_features(NodeId node, ValueId in, bool multiplies);

  // steps.cpp: the fusion of nodes into steps
  /// The only computed reader, if it can be fused with this node, else -1.
  NodeId only_reader(NodeId id) const;
  bool available(NodeId node) const;
  void lower_node(NodeId id);
  static std::string convolution_name(const op::Conv2d& conv);
  Step pool_step(NodeId id, Step::Kind kind, const char* description);
  void lower_flatten(NodeId id);
  void lower_unflatten(NodeId id);
  void lower_multiply(NodeId id);
  /// A step during fusion: conv | linear | bn | add | relu, followed by any part of bn -> add -> relu.
  struct Chain {
    Step step;
    NodeId end = 0;           ///< the last fused node
    NodeId before_relu = -1;  ///< a kept node before the step's ReLU
    Affine affine;
    bool multiplies = false;  ///< a convolution or a linear layer
    bool sparse = false;      ///< reads planes of a delta program
    bool linear = false;
    /// No linear operator can follow in the same step.
    bool closed() const { return step.relu || step.curve.kind != kernels::Curve::Kind::none; }
  };
  void lower_chain(NodeId id, std::string description);
  Chain begin_chain(NodeId id, std::string description);
  void take(Chain& chain, NodeId node, const char* what);
  void take_batch_norm(Chain& chain);
  void take_addition(Chain& chain);
  void take_relu(Chain& chain);
  /// After Winograd, and after a multiplying step of a delta program, a curve is a separate step.
  void take_curve(Chain& chain);
  void take_pool(Chain& chain);
  void add_chain_values(Chain& chain);

  // weights.cpp: algorithms, packed weights and working memory
  void pack(Step& step, const Affine& affine);
  const Shape& shape_of_planes(const Node& reader) const;
  /// For a linear layer behind a ReLU: most units that are dead in the unchanged run stay dead.
  void gather(Step& step);
  /// The same for a convolution.
  bool worth_gathering(const Chain& chain) const;
  void gather_convolution(Step& step);
  /// Whether a node is a max-pool that Winograd's epilogue supports: 2x2, stride 2, without a partial window.
  bool pools_in_place(NodeId id) const;
  /// Winograd's rounding errors are relative to its values. If drops are differences of two runs, replayed
  /// nodes therefore use direct kernels, in the first run too. Deltas do not lose digits.
  kernels::Choice choose(NodeId id, const Value& in) const;
  const PackedWeights* packed_so_far(NodeId id) const;
  static bool has_form(const PackedWeights& packed, PackedWeights::Form form, int side);

  const LoweringJob& job_;
  const Graph& graph_;
  Program program_;
  std::vector<NodeId> roots_;
  std::vector<bool> kept_, computed_;
  std::vector<bool> fused_;  // into the step of an earlier node
  std::vector<std::vector<NodeId>> readers_;
  std::vector<std::array<int, 2>> borders_;
};

}  // namespace ablaze::runtime
