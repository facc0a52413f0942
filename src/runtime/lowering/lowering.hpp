#pragma once

// The work of lowering (lower.cpp tells what it does); for the files of this folder alone.

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

/// Decides which steps of a whole network's program lead. No bit of a result hangs on it. `kept`: values that
/// must hold the whole batch.
void lead(Program& program, const LoweringJob& job, std::span<const ValueId> kept);

class Lowering {
 public:
  explicit Lowering(const LoweringJob& job) : job_(job), graph_(*job.graph) {}
  Program run();

 private:
  bool delta() const { return job_.kind == LoweringJob::Kind::delta; }
  /// A tail or a delta program, which reads what a run of the whole network left.
  bool partial() const { return delta() || job_.kind == LoweringJob::Kind::tail; }
  NodeId result() const { return delta() ? job_.result : graph_.output(); }
  DeltaReach reach_of(NodeId id) const { return job_.reach[id]; }
  NodeId root(NodeId id) const { return roots_[id]; }
  const Shape& shape(NodeId id) const { return job_.shapes[id]; }
  bool needed(NodeId id) const { return job_.needed[id]; }
  bool kept(NodeId id) const { return kept_[id]; }
  bool computed(NodeId id) const { return computed_[id]; }

  // lower.cpp: what is computed, and in which order
  /// Sees through Identity nodes, and decides what this program computes.
  void find_roots();
  /// Readers in the whole network, so that a tail fuses what the whole network fuses; a delta program's are
  /// its own.
  void count_readers();
  /// A value needs the widest border that one of its convolutions pads with.
  void find_borders();
  void plan();

  // values.cpp: what lies where
  ValueId add_value(NodeId node, Layout layout);
  ValueId add_value(NodeId node, Value value);
  /// A first convolution reads planar pictures; anything else reads blocks.
  void lower_input();
  /// A channel-local node's changed planes: [C][H][W], filled by the caller.
  ValueId planes(NodeId node);
  /// The node with planes that a flattened channel-local node was made of.
  NodeId source_of_planes(NodeId node) const;
  kernels::Extent flattened_planes(NodeId node) const;
  /// What the untouched run left of a node, for the ReLU or max-pool that reads it; every image reads it.
  ValueId base_value(NodeId node);
  /// Whether a step multiplies changed planes, which are few, rather than a whole state.
  bool reads_planes(NodeId node) const;
  /// What an addition adds to the other summand; kNone where that does not change.
  ValueId addend(NodeId node);
  /// The value that a node's output has, bringing in what the whole network's run left where a tail reads it.
  ValueId value(NodeId node);
  /// Flattened planes and plain rows order their features differently; adding them up needs one order.
  void expect_one_order(NodeId add, ValueId in, ValueId other, bool in_becomes_plain) const;
  /// Elementwise steps keep the order of features that their input has; a linear layer's output is plain.
  ValueId add_features(NodeId node, ValueId in, bool multiplies);

  // steps.cpp: which nodes become one step
  /// The one computed reader that may take this value over, or -1.
  NodeId only_reader(NodeId id) const;
  bool available(NodeId node) const;
  void lower_node(NodeId id);
  static std::string convolution_name(const op::Conv2d& conv);
  Step pool_step(NodeId id, Step::Kind kind, const char* description);
  void lower_flatten(NodeId id);
  void lower_unflatten(NodeId id);
  void lower_multiply(NodeId id);
  /// A step while it grows: conv | linear | bn | add | relu, and what of bn -> add -> relu can follow.
  struct Chain {
    Step step;
    NodeId end = 0;           ///< the last node taken over
    NodeId before_relu = -1;  ///< kept, with a ReLU behind it in the same step
    Affine affine;
    bool multiplies = false;  ///< a convolution or a linear layer
    bool sparse = false;      ///< reads changed planes
    bool linear = false;
    /// Nothing linear follows in the same step.
    bool closed() const { return step.relu || step.curve.kind != kernels::Curve::Kind::none; }
  };
  void lower_chain(NodeId id, std::string description);
  Chain begin_chain(NodeId id, std::string description);
  void take(Chain& chain, NodeId node, const char* what);
  void take_batch_norm(Chain& chain);
  void take_addition(Chain& chain);
  void take_relu(Chain& chain);
  /// Behind Winograd's transform and behind changes that are multiplied, a curve is a step of its own.
  void take_curve(Chain& chain);
  void take_pool(Chain& chain);
  void add_chain_values(Chain& chain);

  // weights.cpp: algorithms, packed weights and working memory
  void pack(Step& step, const Affine& affine);
  const Shape& shape_of_planes(const Node& reader) const;
  /// A linear layer behind a ReLU: units that are dead in the untouched picture mostly stay so.
  void gather(Step& step);
  /// The same for a convolution.
  bool worth_gathering(const Chain& chain) const;
  void gather_convolution(Step& step);
  /// Whether a node is the max-pool that Winograd's epilogue can do: 2x2, stride 2, nothing hanging over.
  bool pools_in_place(NodeId id) const;
  /// Winograd's rounding errors are those of the values it works on. Where drops are differences of two runs,
  /// what is run again behind a kept layer stays direct, in the first run too; changes keep their digits.
  kernels::Choice choose(NodeId id, const Value& in) const;
  const PackedWeights* packed_so_far(NodeId id) const;
  static bool lies(const PackedWeights& packed, PackedWeights::Form form, int side);

  const LoweringJob& job_;
  const Graph& graph_;
  Program program_;
  std::vector<NodeId> roots_;
  std::vector<bool> kept_, computed_;
  std::vector<bool> fused_;  // into an earlier node's step
  std::vector<std::vector<NodeId>> readers_;
  std::vector<std::array<int, 2>> borders_;
};

}  // namespace ablaze::runtime
