#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/activation.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/tensor.hpp>

// Scores of a network, and how they depend on a layer: ablations and gradients.

namespace ablaze {

/// A number y that judges a network's decision: the score that channels are ablated for, or that is
/// differentiated.
struct Score {
  enum class Kind {
    logit,        ///< of the class
    probability,  ///< `activation` of the logits
    margin        ///< the logit of the class less that of another, `against`
  } kind = Kind::logit;
  std::int64_t index = 0;                       ///< the class
  Activation activation = Activation::softmax;  ///< Kind::probability: the model's head
  /// Kind::margin: the other class; -1: the runner-up, which is the best other class of the unchanged run,
  /// whatever is changed afterwards.
  std::int64_t against = -1;
};
std::string to_string(Score::Kind kind);              ///< "logit", "probability" or "margin"
Score::Kind parse_score_kind(std::string_view name);  ///< Throws UsageError

/// What is done to one channel of a layer: its activations A become A'.
struct Ablation {
  enum class Kind { zero, scale, mean, mask } kind = Kind::zero;
  float scale = 0;  ///< Kind::scale: A' = scale * A
  Tensor mask;      ///< Kind::mask: [H, W] in [0, 1], the layer's size; A' = (1 - mask) * A
};
std::string to_string(Ablation::Kind kind);                 ///< "zero", "scale", "mean" or "mask"
Ablation::Kind parse_ablation_kind(std::string_view name);  ///< Throws UsageError

/// How drops are computed.
enum class AblationMethod {
  closed_form,  ///< behind the channel-local operators everything is linear: dot products, no pass
  deltas,       ///< the changes of the layer are propagated to the scores
  rerun         ///< everything behind the layer is run again for each channel
};
std::string to_string(AblationMethod method);                 ///< "closed form", "changes" or "tail rerun"
AblationMethod parse_ablation_method(std::string_view name);  ///< Throws UsageError

/// The effect of ablating channels, or sets of them.
struct Drops {
  std::vector<double> scores;              ///< [S] y of the unchanged run
  std::vector<std::vector<double>> drops;  ///< [S][channels or sets] y - y_k
  AblationMethod method = AblationMethod::closed_form;
  std::int64_t changed = 0;  ///< channels or sets that change anything; the others were skipped
  /// A linear layer that was multiplied without the columns that no channel changes.
  struct Gathered {
    std::string layer;
    std::int64_t columns = 0;
    std::int64_t left = 0;  ///< columns that are multiplied, in the pass with the most
  };
  std::vector<Gathered> gathered;
};

/// A step of an ablation. Multiply-adds are those of all channels of the layer together, for the logit of one
/// class, as direct kernels do them.
struct AblationStep {
  enum class Kind {
    channel_local,  ///< the change stays in its channel
    first_mixing,   ///< a convolution or linear layer that reads the change of one channel
    dense,          ///< every channel changes
    last_linear,    ///< one row of the network's last linear layer
    closed_form     ///< the same from the change of one channel
  };
  std::string name;  ///< the last layer that the step computes
  Kind kind = Kind::channel_local;
  std::string operation;  ///< "conv 1x1 + bn + relu"
  std::int64_t multiply_adds = 0;
};
std::string to_string(AblationStep::Kind kind);                      ///< "channel-local", "first mixing", ...
AblationStep::Kind parse_ablation_step_kind(std::string_view name);  ///< Throws UsageError

/// How Trace::ablate would compute the drops of a layer's channels, and what that costs beside the plain
/// ways: counted before any run, so that channels and columns that turn out dead count as well.
struct AblationPlan {
  std::string layer;
  Shape layer_shape;  ///< [C, H, W]
  AblationMethod method = AblationMethod::closed_form;
  std::vector<AblationStep> steps;
  std::int64_t multiply_adds = 0;  ///< of all steps
  std::int64_t rerun_tail = 0;     ///< multiply-adds of running everything behind the layer for each channel
  std::int64_t rerun_network = 0;  ///< and of running the whole network for each channel
  std::int64_t batch = 0;          ///< channels per pass; 0 in closed form
  std::uint64_t bytes = 0;         ///< memory of a run, beside the trace and the weights
  std::uint64_t packed_bytes = 0;  ///< weights that are packed a second time, once per session
};

struct AblateOptions {
  std::int64_t image = 0;  ///< of the trace's batch
  /// Run everything behind the layer again for each set instead of propagating the changes: the plain way,
  /// slow, for comparison. For a trace of one image.
  bool rerun = false;
  Progress progress{};
};

struct GradientOptions {
  /// Take the gradient at other activations of the layer, [M, C, H, W], instead of the trace's own:
  /// everything behind the layer is run again with them, as Trace::resume does, and a trace of several images
  /// takes M = N.
  const Tensor* at = nullptr;
  Progress progress{};  ///< in scores
};

/// Scores, and their gradients with respect to a layer's activations.
struct Gradients {
  std::vector<std::vector<double>> scores;  ///< [S][M] y of each image
  std::vector<Tensor> gradients;  ///< [S] of the layer's shape, [M, C, H, W]: dy / dA, y's unit by A's
};

}  // namespace ablaze
