#pragma once

#include <cstddef>
#include <list>
#include <memory>

#include <ablaze/graph.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::explain {

/// A session, and the trace that its runs reuse: a run allocates nothing after the first.
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

/// Sessions by input shape: photos all come in one shape, tensors may not. Only the latest are held, for
/// each owns a packed copy of the weights.
class SessionCache {
 public:
  /// `options.input` is ignored: it comes with each input. The graph is copied (its weights are shared).
  /// `most`: how many sessions are held.
  SessionCache(Graph graph, SessionOptions options, std::size_t most = 2);

  /// The session for inputs of this shape, compiled where it is not held. Valid until `most` others were
  /// asked for.
  Compiled& at(const Shape& input);

 private:
  Graph graph_;
  SessionOptions options_;
  std::size_t most_;
  std::list<Compiled> latest_first_;
};

/// A picture as a network takes it: [1, C, H, W] from [1, C, H, W] or [C, H, W], all values finite. Throws
/// Error.
Tensor as_single_input(const Tensor& input);

}  // namespace ablaze::explain
