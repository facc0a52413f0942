#include "runtime/run_state.hpp"

#include <iterator>
#include <string>

#include <ablaze/error.hpp>

namespace ablaze::runtime {

RunState::RunState(std::shared_ptr<const SessionState> session)
    : session_(std::move(session)),
      arena_({static_cast<std::int64_t>(network().program.arena_floats)}),
      memory_{arena_.data(), arena_.data()},
      bound_(network().bind(network().program, memory_)) {}

Tensor RunState::read(NodeId node) const {
  Tensor tensor(network().shapes[node]);
  read_value(network().value(node), memory_, tensor.data());
  return tensor;
}

void RunState::read(NodeId node, std::span<float> to) const {
  const std::int64_t expected = element_count(network().shapes[node]);
  if (std::ssize(to) != expected) {
    throw Error("layer " + network().graph.node(node).name + " has " + std::to_string(expected) +
                " numbers; the buffer has room for " + std::to_string(to.size()));
  }
  read_value(network().value(node), memory_, to.data());
}

Tail::Tail(const RunState& trace, NodeId from, std::int64_t batch, bool keep_decisions)
    : network_(trace.network()),
      program_(network_.tail(from, batch, keep_decisions)),
      batch_(batch),
      arena_({static_cast<std::int64_t>(program_->arena_floats)}),
      memory_{arena_.data(), trace.arena()},
      bound_(network_.bind(*program_, memory_)) {}

Tensor Tail::read(NodeId node) const {
  Tensor tensor(network_.shape_for(node, batch_));
  read_value(program_->value_of_node(node), memory_, tensor.data());
  return tensor;
}

}  // namespace ablaze::runtime
