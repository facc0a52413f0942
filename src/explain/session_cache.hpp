#pragma once

#include <cstddef>
#include <list>
#include <memory>

#include <ablaze/graph.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::explain {

/// A session, and the trace that its runs reuse: only the first run allocates.
class Compiled {
 public:
  explicit Compiled(Session session) : session_(std::move(session)) {}

  const Session& session() const { return session_; }
  /// Runs the input; the trace is valid until the next run.
  const Trace& run(const Tensor& input);

 private:
  Session session_;
  std::unique_ptr<Trace> trace_;
};

/// Sessions by input shape: all photos have one shape, tensors may have several. Keeps only the most recently
/// used, because each owns a packed copy of the weights.
class SessionCache {
 public:
  /// Ignores `options.input`: each input has its own. Copies the graph (sharing its weights). `most`: the
  /// number of sessions kept.
  SessionCache(Graph graph, SessionOptions options, std::size_t most = 2);

  /// The session for inputs of this shape; compiles it if it is not kept. Valid until `most` other sessions
  /// have been requested.
  Compiled& at(const Shape& input);

 private:
  Graph graph_;
  SessionOptions options_;
  std::size_t most_;
  std::list<Compiled> latest_first_;
};

/// An input in the form of a network of `channels`: [1, C, H, W] from [1, C, H, W] or [C, H, W], or from the
/// same with the channels last (TensorFlow's order) where that is the only way to read it; all values finite.
/// Throws Error.
Tensor as_single_input(const Tensor& input, std::int64_t channels);

}  // namespace ablaze::explain
