#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/execution.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/scores.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze {

struct SessionOptions {
  Shape input;                    ///< NCHW; every run has exactly this shape
  std::vector<std::string> keep;  ///< layers whose activations a Trace keeps, to read or resume from
  /// Also keep the inputs of all ReLUs, curves, products and max-pools downstream of the kept layers. Without
  /// them, Trace::ablate reruns everything behind the layer for each channel, and Trace::gradient reruns it
  /// once.
  bool keep_preactivations = true;
  Execution execution;  ///< a compile whose traces need more than the memory limit throws Error
};

/// One step of a compiled network, for reports.
struct StepInfo {
  std::string name;       ///< the last layer that the step computes
  std::string kind;       ///< "conv 3x3 + bias + add + relu"
  std::string algorithm;  ///< "direct", "planar", ...
  Shape output;
  std::int64_t multiply_adds = 0;
};

namespace runtime {
struct SessionState;
class RunState;
}  // namespace runtime

/// The results of one run: the logits and the kept activations. A trace holds the memory of its run and may
/// be used for the next one (Session::run); it keeps its session's compiled network alive. Const members may
/// be called from several threads at once.
class Trace {
 public:
  Trace(Trace&&) noexcept;
  Trace& operator=(Trace&&) noexcept;
  ~Trace();

  Tensor logits() const;  ///< [N, classes]
  /// The same into a caller's buffer of N x classes numbers. Throws Error where its size is another.
  void logits(std::span<float> to) const;
  /// A kept layer's output: [N, C, H, W], or [N, K] behind the flattening. UsageError where not kept.
  Tensor activation(std::string_view layer) const;
  /// The same into a caller's buffer, row-major. Throws Error where its size is another.
  void activation(std::string_view layer, std::span<float> to) const;

  /// Runs only the nodes downstream of a kept layer, with its activations replaced: `replacement`
  /// has the layer's shape with a batch of M images. A trace of one image takes any M: each of the M images
  /// reads the first run's other values. A trace of N images takes M = N. Returns logits [M, classes].
  Tensor resume(std::string_view layer, const Tensor& replacement) const;

  /// Ablates each channel of a kept layer on its own and returns the drops of every score. Exact: the changes
  /// are propagated to the scores.
  Drops ablate(std::string_view layer, const Ablation& ablation, std::span<const Score> scores,
               const AblateOptions& options = {}) const;
  /// The same for sets of channels that are ablated together: pairwise interactions and Shapley values are
  /// made of their drops. Throws UsageError for a channel that does not exist or is named twice in a set.
  Drops ablate_sets(std::string_view layer, const Ablation& ablation, std::span<const std::vector<int>> sets,
                    std::span<const Score> scores, const AblateOptions& options = {}) const;

  /// The gradient of every score with respect to a layer of SessionOptions::keep, by a backward pass from the
  /// scores to the layer. Derivatives are PyTorch's where a function has none: a ReLU's is 0 at 0, a
  /// max-pool's window gives all to the first of equal values. All scores share one forward pass (or none,
  /// with SessionOptions::keep_preactivations); a score's gradient has the same bits whichever scores are
  /// asked for with it. Throws UsageError (a layer that was not kept or does not matter for the output, a
  /// class that does not exist, a margin of a class against itself) and Error (shapes, memory).
  Gradients gradient(std::string_view layer, std::span<const Score> scores,
                     const GradientOptions& options = {}) const;

 private:
  friend class Session;
  explicit Trace(std::unique_ptr<runtime::RunState> impl);
  std::unique_ptr<runtime::RunState> impl_;
};

/// A graph compiled for one input shape and a set of layers to keep: BatchNorm folded, bias, residual
/// and ReLU fused into the convolutions, weights packed, memory planned. Immutable: several threads
/// may run it at once, each with its own Trace. Cheap to copy.
class Session {
 public:
  /// Compiles and packs. Throws Error (shapes, memory) or UsageError (unknown layer, ISA).
  Session(const Graph& graph, SessionOptions options);

  /// Runs the network; `input` has SessionOptions::input's shape.
  Trace run(const Tensor& input) const;
  /// The same into an existing trace of this session: allocates nothing.
  void run(const Tensor& input, Trace& trace) const;
  /// The same from a caller's buffer, row-major. Throws Error where its size is another.
  void run(std::span<const float> input, Trace& trace) const;

  Shape layer_shape(std::string_view layer) const;  ///< of any layer of the graph
  const SessionOptions& options() const;
  std::vector<StepInfo> steps() const;
  /// Runs `repeats` times and returns the median milliseconds of each step, in the order of steps().
  std::vector<double> profile(const Tensor& input, int repeats) const;
  /// How Trace::ablate would work at a kept layer. Throws Error where the memory limit is too low for it.
  AblationPlan plan_ablation(std::string_view layer) const;
  /// Compiles ahead the program that the first Trace::ablate at a kept layer would compile.
  void prepare_ablation(std::string_view layer) const;
  /// Compiles ahead the program that the first Trace::gradient at a kept layer would compile, for one score.
  void prepare_gradient(std::string_view layer) const;
  /// Bytes of the packed weights, including those that gradients have packed a second time so far.
  std::uint64_t packed_bytes() const;
  std::uint64_t activation_bytes() const;  ///< of one trace

 private:
  friend class Batch;
  std::shared_ptr<const runtime::SessionState> impl_;
};

/// Runs inputs for their logits alone, several at a time, for methods and metrics that run a network on many
/// changes of one input. It shares the session's weights, keeps no layer, and allocates nothing in a run. Not
/// for concurrent use.
class Batch {
 public:
  /// Compiles for `size` inputs. Throws UsageError (size below 1) or Error (above the session's memory
  /// limit).
  Batch(const Session& session, std::int64_t size);
  /// The largest size, a power of two up to `most`, whose memory stays within `bytes`; 1 where none does.
  static Batch within(const Session& session, std::uint64_t bytes, std::int64_t most);
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;
  ~Batch();

  std::int64_t size() const;
  std::uint64_t bytes() const;  ///< of its memory
  /// [size, C, H, W]: the inputs of the next run, to be filled in.
  Tensor& inputs();
  /// Runs inputs(): logits [size, classes].
  Tensor run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ablaze
