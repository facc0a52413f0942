#pragma once

#include <memory>

#include <ablaze/tensor.hpp>

#include "runtime/execution/bound_program.hpp"
#include "runtime/session_state.hpp"

namespace ablaze::runtime {

/// The state of a Trace: the memory of one run of the whole network, and the steps bound to it.
class RunState {
 public:
  explicit RunState(std::shared_ptr<const SessionState> session);

  const std::shared_ptr<const SessionState>& session() const { return session_; }
  const CompiledNetwork& network() const { return session_->network; }
  const float* arena() const { return arena_.data(); }
  Memory memory() const { return memory_; }

  /// input: row-major, of SessionOptions::input. step_ms: see BoundProgram::run.
  void run(const float* input, double* step_ms = nullptr) { bound_.run(input, step_ms); }
  /// The value of a kept node, row-major.
  Tensor read(NodeId node) const;
  /// Writes the value to a buffer. Throws Error if the buffer has another size.
  void read(NodeId node, std::span<float> to) const;

 private:
  std::shared_ptr<const SessionState> session_;
  Tensor arena_;
  Memory memory_;
  BoundProgram bound_;
};

/// A tail with its own memory, bound to a trace.
class Tail {
 public:
  /// keep_decisions: see CompiledNetwork::tail. The trace must outlive the tail.
  Tail(const RunState& trace, NodeId from, std::int64_t batch, bool keep_decisions = false);

  const Program& program() const { return *program_; }
  const Value& input() const { return program_->value(program_->input); }
  const Memory& memory() const { return memory_; }
  /// replacement: row-major, or nullptr if the caller has written the input.
  void run(const float* replacement) { bound_.run(replacement); }
  Tensor logits() const { return read(network_.graph.output()); }  ///< [batch, classes]
  /// A kept value after a run, row-major.
  Tensor read(NodeId node) const;

 private:
  const CompiledNetwork& network_;
  std::shared_ptr<const Program> program_;
  std::int64_t batch_;
  Tensor arena_;
  Memory memory_;
  BoundProgram bound_;
};

}  // namespace ablaze::runtime
