#include <algorithm>

#include "runtime/lowering/lowering.hpp"

// Lowering fuses nodes into steps and gives each value its layout.
//
// A chain conv/linear -> BatchNorm -> Add -> ReLU (each part is optional) becomes one step if every value
// inside the chain has one reader and is not kept. The value before the ReLU may be kept: the step stores it
// too. A tail makes the same choices as the whole network, so that resuming gives the same bits.
//
// A delta program computes the deltas of the dense nodes behind a layer: linear operators without their
// biases, ReLUs and max-pools with the unchanged run's inputs (Step::base). An operator that reads a
// channel-local node reads the deltas of that node's planes, which the caller writes.

namespace ablaze::runtime {

Program Lowering::run() {
  find_roots();
  count_readers();
  find_borders();
  if (delta()) {
    program_.is_delta = true;
  } else if (partial()) {
    Value start = job_.whole->value(job_.whole->value_of.at(job_.from));
    start.extent.batch = static_cast<int>(shape(job_.from)[0]);
    start.storage = kNone;
    program_.input = add_value(job_.from, start);
  } else {
    lower_input();
  }
  for (NodeId id = 0; id < graph_.size(); ++id) {
    if (computed(id) && root(id) == id && !fused_[id]) lower_node(id);
  }
  for (NodeId id = 0; id < graph_.size(); ++id) {  // an Identity's root is its input's root
    const auto it = program_.value_of.find(root(id));
    if (it != program_.value_of.end()) program_.value_of[id] = it->second;
  }
  program_.output = program_.value_of.at(result());
  plan();
  return std::move(program_);
}

void Lowering::find_roots() {
  const std::size_t count = static_cast<std::size_t>(graph_.size());
  kept_.assign(count, false);
  computed_.assign(count, false);
  fused_.assign(count, false);
  const std::vector<bool> downstream = graph_.downstream(job_.from);
  for (NodeId id = 0; id < graph_.size(); ++id) {
    const Node& node = graph_.node(id);
    kept_[id] = delta() ? id == job_.from : job_.kept[id];
    // A kept Identity has its own value: replacing it must not affect other readers of its source.
    roots_.push_back(is<op::Identity>(node) && !kept(id) ? root(node.inputs[0]) : id);
    const bool behind = downstream[id] && id != job_.from;
    computed_[id] =
        delta() ? reach_of(id) == DeltaReach::dense : needed(id) && id != 0 && (!partial() || behind);
  }
  kept_[root(result())] = true;
}

void Lowering::count_readers() {
  readers_.assign(roots_.size(), {});
  for (NodeId id = 0; id < graph_.size(); ++id) {
    if (!(delta() ? computed(id) : needed(id)) || root(id) != id) continue;
    for (const NodeId in : graph_.node(id).inputs) readers_[root(in)].push_back(id);
  }
}

void Lowering::find_borders() {
  borders_.assign(roots_.size(), {0, 0});
  for (NodeId id = 0; id < graph_.size(); ++id) {
    const auto* conv = std::get_if<op::Conv2d>(&graph_.node(id).op);
    if (conv == nullptr || !needed(id)) continue;
    const NodeId in = graph_.node(id).inputs[0];
    const Geometry window = geometry_of(*conv, shape(in));
    auto& border = borders_[root(in)];
    border[0] = std::max({border[0], window.padding_h, window.padding_below});
    border[1] = std::max({border[1], window.padding_w, window.padding_right});
  }
}

void Lowering::plan() {
  std::vector<ValueId> untouchable{program_.output};
  if (job_.kind == LoweringJob::Kind::tail) untouchable.push_back(program_.input);
  for (const auto& [node, value] : program_.value_of) {
    if (job_.kind == LoweringJob::Kind::network && kept(node)) untouchable.push_back(value);
  }
  if (!partial()) lead(program_, job_, untouchable);
  plan_memory(program_, untouchable, job_.execution.threads);
  // A run overwrites values that are not kept.
  std::erase_if(program_.value_of, [&](const auto& entry) { return !kept(root(entry.first)); });
}

Program lower(const LoweringJob& job) { return Lowering(job).run(); }

}  // namespace ablaze::runtime
