#pragma once

#include <ablaze/session.hpp>

#include "runtime/compiled_network.hpp"

namespace ablaze::runtime {

/// What a gradient is taken at: every value behind a layer that decides which way it goes back. It is what a
/// trace has kept; or, where the layer's activations are replaced or nothing was kept, what a tail leaves
/// that is run again.
class ForwardState {
 public:
  /// at: [M, ...] of the layer, or nullptr for the trace's own.
  ForwardState(const RunState& trace, NodeId layer, const Tensor* at);
  ForwardState(const ForwardState&) = delete;
  ForwardState& operator=(const ForwardState&) = delete;

  std::int64_t images() const { return images_; }
  std::uint64_t bytes() const { return (network_.program.arena_floats + arena_floats()) * sizeof(float); }
  const Program& program() const { return *program_; }
  const Memory& memory() const { return memory_; }
  Tensor logits() const;  ///< [M, classes]

 private:
  std::uint64_t arena_floats() const { return tail_ != nullptr ? tail_->arena_floats : 0; }
  void run_tail(const RunState& trace, NodeId layer, const Tensor* at);

  const CompiledNetwork& network_;
  std::int64_t images_ = 1;
  std::shared_ptr<const Program> tail_;
  const Program* program_ = nullptr;
  Tensor arena_;  // the tail's
  Memory memory_;
};

}  // namespace ablaze::runtime
