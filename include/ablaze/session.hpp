#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/activation.hpp>
#include <ablaze/execution.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/isa.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze {

struct SessionOptions {
  Shape input;                    ///< NCHW; every run has exactly this shape
  std::vector<std::string> keep;  ///< layers whose activations a Trace keeps, to read or resume from
  /// Keep the inputs of all ReLUs and max-pools downstream of the kept layers as well: what Trace::ablate and
  /// Trace::gradient need to be fast. Without them the first runs everything behind the layer again for each
  /// channel, the second once.
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

/// What `threads` threads (0: as Execution says) of this machine reach at most with an instruction set, in
/// floating-point operations a second: multiply-adds in registers, which no kernel outruns. The best of a few
/// slices, about 50 ms in all; it falls when a neighbour is busy, so measure it beside what it is to judge.
/// Throws UsageError (an ISA that the processor lacks, a negative number of threads).
double measured_peak(Isa isa, int threads);

/// The share of their cores' time that `threads` threads (0: as Execution says) get which do nothing but
/// compute: near 1 on a quiet machine, a half with one busy neighbour on each core. About 50 ms. Times that
/// are taken where it is low say little of the program that was timed.
double measured_share(int threads);

/// Seconds that a written cache line takes from the core of one thread to that of another, the slowest of the
/// first thread's ways to the other `threads` - 1 (0: as Execution says); 0 for one thread, infinite where
/// others kept a thread from its core all the while. Cores that share no cache are several times as far apart
/// as those that do, and so is what the layers of a network hand on; a hypervisor may change which they are
/// at any time. Takes a few milliseconds.
double measured_handover(int threads);

/// What is done to one channel of a layer: its activations A become A'.
struct Ablation {
  enum class Kind { zero, scale, mean, mask } kind = Kind::zero;
  float scale = 0;  ///< Kind::scale: A' = scale * A
  Tensor mask;      ///< Kind::mask: [H, W] in [0, 1], the layer's size; A' = (1 - mask) * A
};

/// A number that a network's decision is judged by, y: what channels are ablated for, or what is
/// differentiated.
struct Score {
  enum class Kind {
    logit,        ///< of the class
    probability,  ///< what `activation` makes of the logits
    margin        ///< the class's logit less that of another, `against`
  } kind = Kind::logit;
  std::int64_t index = 0;                       ///< the class
  Activation activation = Activation::softmax;  ///< Kind::probability: the model's head
  /// Kind::margin: the other class; -1: the runner-up, the best other class of the untouched run, which stays
  /// the same one whatever is changed.
  std::int64_t against = -1;
};

/// The effect of ablating channels, or sets of them.
struct Drops {
  std::vector<double> scores;              ///< [S] y of the untouched run
  std::vector<std::vector<double>> drops;  ///< [S][channels or sets] y - y_k
  std::string method;                      ///< how it was computed: "closed form", "changes" or "tail rerun"
  std::int64_t changed = 0;                ///< channels or sets that change anything; the others were skipped
  /// Linear layers that were multiplied without the columns that no channel changes.
  struct Gathered {
    std::string layer;
    std::int64_t columns = 0;
    std::int64_t left = 0;  ///< the most of any pass
  };
  std::vector<Gathered> gathered;
};

/// A step of an ablation. Multiply-adds are those of all the layer's channels together, for one class's
/// logit, as direct kernels do them.
struct AblationStep {
  std::string name;       ///< the last layer that the step computes
  std::string kind;       ///< "channel-local", "first mixing", "dense", "last linear" or "closed form"
  std::string operation;  ///< "conv 1x1 + bn + relu"
  std::int64_t multiply_adds = 0;
};

/// How Trace::ablate would take the drops of a layer's channels, and what that costs beside the plain ways:
/// counted before any run, so that channels and columns that turn out dead are counted too.
struct AblationPlan {
  std::string layer;
  Shape layer_shape;   ///< [C, H, W]
  std::string method;  ///< Drops::method
  std::vector<AblationStep> steps;
  std::int64_t multiply_adds = 0;  ///< of all steps
  std::int64_t rerun_tail = 0;     ///< multiply-adds of running everything behind the layer for each channel
  std::int64_t rerun_network = 0;  ///< and of the whole network
  std::int64_t batch = 0;          ///< channels a pass; 0 in closed form
  std::uint64_t bytes = 0;         ///< memory of a run, beside the trace and the weights
  std::uint64_t packed_bytes = 0;  ///< weights laid out a second time, once a session
};

struct AblateOptions {
  std::int64_t image = 0;  ///< of the trace's batch
  /// Run everything behind the layer again for each set instead of following the changes: the plain way,
  /// slow, for comparison. For a trace of one image.
  bool rerun = false;
  Progress progress{};
};

struct GradientOptions {
  /// Take the gradient at other activations of the layer, [M, C, H, W], instead of the trace's own: what lies
  /// behind the layer is run again with them, as Trace::resume does, and a trace of several images takes M =
  /// N.
  const Tensor* at = nullptr;
  Progress progress{};  ///< in scores
};

/// Scores, and how they move with a layer's activations.
struct Gradients {
  std::vector<std::vector<double>> scores;  ///< [S][M] y of each image
  std::vector<Tensor> gradients;  ///< [S] of the layer's shape, [M, C, H, W]: dy / dA, y's unit by A's
};

namespace runtime {
struct SessionState;
class RunState;
}  // namespace runtime

/// What one run left behind: the logits and the kept activations. A trace holds the memory of its
/// run and may be used for the next one (Session::run); it keeps its session's compiled network
/// alive. Const members may be called from several threads at once.
class Trace {
 public:
  Trace(Trace&&) noexcept;
  Trace& operator=(Trace&&) noexcept;
  ~Trace();

  Tensor logits() const;  ///< [N, classes]
  /// A kept layer's output: [N, C, H, W], or [N, K] behind the flattening. UsageError where not kept.
  Tensor activation(std::string_view layer) const;

  /// Runs only what lies downstream of a kept layer, with its activations replaced: `replacement`
  /// has the layer's shape with any batch M (the rest of the state is the first run's, for every one of the
  /// M; a trace of several images takes M = N). Returns logits [M, classes].
  Tensor resume(std::string_view layer, const Tensor& replacement) const;

  /// Ablates each channel of a kept layer on its own and returns the drops of every score. Exact: what
  /// changes is followed to the scores.
  Drops ablate(std::string_view layer, const Ablation& ablation, std::span<const Score> scores,
               const AblateOptions& options = {}) const;
  /// The same for sets of channels that are ablated together: what pairwise interactions and Shapley values
  /// are made of. Throws UsageError for a channel that does not exist or is named twice in a set.
  Drops ablate_sets(std::string_view layer, const Ablation& ablation, std::span<const std::vector<int>> sets,
                    std::span<const Score> scores, const AblateOptions& options = {}) const;

  /// Pulls every score's gradient back to a layer of SessionOptions::keep: reverse mode over what lies behind
  /// the layer. Derivatives are PyTorch's where a function has none: a ReLU passes nothing back at 0, a
  /// max-pool's window gives all to the first of equal values. All scores share one forward pass (or none,
  /// where SessionOptions::keep_preactivations has kept what decides); a score's gradient has the same bits
  /// whatever else is asked for with it. Throws UsageError (a layer that was not kept or does not matter for
  /// the output, a class that does not exist, a margin of a class against itself) and Error (shapes, memory).
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

  Shape layer_shape(std::string_view layer) const;  ///< of any layer of the graph
  const SessionOptions& options() const;
  std::vector<StepInfo> steps() const;
  /// Runs `repeats` times and returns the median milliseconds of each step, in the order of steps().
  std::vector<double> profile(const Tensor& input, int repeats) const;
  /// What Trace::ablate would do at a kept layer. Throws Error where the memory limit is too low for it.
  AblationPlan plan_ablation(std::string_view layer) const;
  /// Compiles now what the first Trace::ablate at a kept layer would compile.
  void prepare_ablation(std::string_view layer) const;
  /// Compiles now what the first Trace::gradient at a kept layer would compile, for one score.
  void prepare_gradient(std::string_view layer) const;
  /// The weights as the kernels read them, those included that gradients had laid out a second time so far.
  std::uint64_t packed_bytes() const;
  std::uint64_t activation_bytes() const;  ///< of one trace

 private:
  friend class Batch;
  std::shared_ptr<const runtime::SessionState> impl_;
};

/// Runs inputs for their logits alone, several at a time: what methods and metrics need that show a network
/// many changes of one picture. It shares the session's weights, keeps no layer, and allocates nothing in a
/// run. Not for concurrent use.
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
  Tensor logits();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ablaze
