#pragma once

#include <optional>

#include <ablaze/session.hpp>

#include "runtime/run_state.hpp"

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
  std::uint64_t bytes() const;
  const Program& program() const { return tail_ ? tail_->program() : network_.program; }
  const Memory& memory() const { return memory_; }
  Tensor logits() const;  ///< [M, classes]

 private:
  const CompiledNetwork& network_;
  std::int64_t images_ = 1;
  std::optional<Tail> tail_;
  Memory memory_;
};

}  // namespace ablaze::runtime
