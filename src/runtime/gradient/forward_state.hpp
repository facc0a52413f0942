#pragma once

#include <optional>

#include <ablaze/session.hpp>

#include "runtime/run_state.hpp"

namespace ablaze::runtime {

/// The forward values behind a layer that the backward pass reads. They come from the trace; if the layer's
/// activations are replaced or the trace kept none, from a rerun of the tail.
class ForwardState {
 public:
  /// at: activations of the layer, [M, ...], or nullptr for those of the trace.
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
