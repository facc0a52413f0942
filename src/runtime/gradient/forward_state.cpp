#include "runtime/gradient/forward_state.hpp"

namespace ablaze::runtime {

ForwardState::ForwardState(const RunState& trace, NodeId layer, const Tensor* at)
    : network_(trace.network()),
      images_(at != nullptr ? at->dim(0) : network_.shapes[layer][0]),
      memory_(trace.memory()) {
  if (at == nullptr && network_.options.keep_preactivations) return;
  tail_.emplace(trace, layer, images_, true);
  memory_ = tail_->memory();
  const Tensor own = at == nullptr ? trace.read(layer) : Tensor();
  tail_->run(at != nullptr ? at->data() : own.data());
}

std::uint64_t ForwardState::bytes() const {
  const std::uint64_t tail = tail_ ? tail_->program().arena_floats : 0;
  return (network_.program.arena_floats + tail) * sizeof(float);
}

Tensor ForwardState::logits() const {
  const NodeId output = network_.graph.output();
  Tensor tensor(network_.shape_for(output, images_));
  read_value(program().value_of_node(output), memory_, tensor.data());
  return tensor;
}

}  // namespace ablaze::runtime
