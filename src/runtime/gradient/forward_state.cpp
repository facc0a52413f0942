#include "runtime/gradient/forward_state.hpp"

namespace ablaze::runtime {

ForwardState::ForwardState(const RunState& trace, NodeId layer, const Tensor* at) : network_(*trace.session) {
  images_ = at != nullptr ? at->dim(0) : network_.shapes[layer][0];
  if (at != nullptr || !network_.options.keep_preactivations) {
    run_tail(trace, layer, at);
  } else {
    program_ = &network_.program;
    memory_ = trace.memory();
  }
}

void ForwardState::run_tail(const RunState& trace, NodeId layer, const Tensor* at) {
  tail_ = network_.tail(layer, images_, true);
  program_ = tail_.get();
  arena_ = Tensor::uninitialised({static_cast<std::int64_t>(tail_->arena_floats)});
  memory_ = {arena_.data(), trace.arena.data()};
  const Tensor own = at == nullptr ? trace.read(layer) : Tensor();
  execute(*tail_, network_.graph, *network_.table, memory_, at != nullptr ? at->data() : own.data(),
          network_.options.execution);
}

Tensor ForwardState::logits() const {
  const NodeId output = network_.graph.output();
  Tensor tensor(network_.shape_for(output, images_));
  const ValueId id = program_->value_of.at(output);
  read_value(program_->values[id], memory_, tensor.data());
  return tensor;
}

}  // namespace ablaze::runtime
