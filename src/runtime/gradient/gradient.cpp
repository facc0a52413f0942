#include <algorithm>
#include <cmath>

#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "runtime/gradient/forward_state.hpp"
#include "runtime/gradient/program.hpp"
#include "runtime/scores.hpp"

namespace ablaze {
namespace runtime {
namespace {

// Scores per pass: enough to read the weights rarely, few enough to keep the gradients near the caches.
constexpr std::int64_t kMostColumns = 8;

std::span<const float> row_of(const Tensor& tensor, std::int64_t row) {
  const auto columns = static_cast<std::size_t>(tensor.size() / tensor.dim(0));
  return tensor.values().subspan(static_cast<std::size_t>(row) * columns, columns);
}

/// One call of Trace::gradient. A column is one score of one image. The columns of a pass are some scores of
/// one image, or one score of all images.
class BackwardPass {
 public:
  BackwardPass(const RunState& trace, NodeId layer, std::span<const Score> scores,
               const GradientOptions& options)
      : trace_(trace),
        network_(trace.network()),
        layer_(layer),
        count_(static_cast<std::int64_t>(scores.size())),
        progress_(options.progress),
        state_(trace, layer, options.at) {
    const Tensor logits = state_.logits();
    for (std::int64_t image = 0; image < images(); ++image) {
      const std::span<const float> row = row_of(logits, image);
      logits_.emplace_back(row.begin(), row.end());
    }
    settle_scores(scores);
  }

  Gradients run() {
    Gradients result;
    for (std::size_t s = 0; s < scores_.size(); ++s) {
      result.scores.emplace_back();
      for (std::size_t image = 0; image < logits_.size(); ++image)
        result.scores[s].push_back(score_of(logits_[image], scores_[s][image]));
      result.gradients.push_back(Tensor::uninitialised(network_.shape_for(layer_, images())));
    }
    if (count_ > 0) run_passes(result.gradients);
    return result;
  }

 private:
  std::int64_t images() const { return state_.images(); }

  /// The other class of a margin is that of the unchanged run, for each image separately.
  void settle_scores(std::span<const Score> scores) {
    scores_.resize(scores.size());
    for (std::int64_t image = 0; image < images(); ++image) {
      const bool one = network_.shapes[0][0] == 1;
      const std::vector<Score> settled = settle(scores, logits_of(trace_, one ? 0 : static_cast<int>(image)));
      for (std::size_t s = 0; s < scores.size(); ++s) scores_[s].push_back(settled[s]);
    }
  }

  void report(std::int64_t done) const {
    if (progress_ && !progress_(done, count_)) throw Cancelled();
  }

  /// Scores per pass: the fewest passes that fit in memory, of nearly equal size.
  std::int64_t scores_of_a_pass() const {
    if (images() > 1) return 1;
    const auto program = trace_.session()->gradients.find(layer_, 1, state_.program());
    const std::uint64_t used = state_.bytes(),
                        one = std::max<std::uint64_t>(program->arena_floats * sizeof(float), 1);
    const std::uint64_t limit = network_.options.execution.memory_limit;
    const std::uint64_t fitting = limit > used ? (limit - used) / one : 0;
    const std::int64_t most =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(fitting), 1, std::min(kMostColumns, count_));
    const std::int64_t passes = (count_ + most - 1) / most;
    return (count_ + passes - 1) / passes;
  }

  void require_memory(const Program& program) const {
    const std::uint64_t bytes = program.arena_floats * sizeof(float) + state_.bytes();
    if (bytes <= network_.options.execution.memory_limit) return;
    throw Error("the gradient at layer " + network_.graph.node(layer_).name + " takes " +
                std::to_string((bytes + (1U << 20) - 1) >> 20) + " MiB; the limit is " +
                std::to_string(network_.options.execution.memory_limit >> 20) +
                " MiB: allow more memory or choose a later layer");
  }

  void run_passes(std::vector<Tensor>& gradients) {
    const std::int64_t scores = scores_of_a_pass();
    const std::int64_t columns = scores * images();
    const auto program = trace_.session()->gradients.find(layer_, columns, state_.program());
    require_memory(*program);
    Tensor arena = Tensor::uninitialised({static_cast<std::int64_t>(program->arena_floats)});
    Tensor seeds(network_.shape_for(network_.graph.output(), columns));
    Tensor out = Tensor::uninitialised(network_.shape_for(layer_, columns));
    const Memory memory{arena.data(), state_.memory().own, state_.memory().trace};
    BoundProgram bound = network_.bind(*program, memory);
    for (std::int64_t first = 0; first < count_; first += scores) {
      report(first);
      const std::int64_t here = std::min(scores, count_ - first);
      const std::vector<int> exponents = write_seeds(first, here, seeds);
      bound.run(seeds.data());
      read_value(program->value(program->output), memory, out.data(), network_.options.execution);
      for (std::int64_t column = 0; column < here * images(); ++column) {
        const std::span<const float> from = row_of(out, column);
        Tensor& to = gradients[first + column / images()];
        const int exponent = exponents[column];
        std::ranges::transform(from, to.data() + column % images() * static_cast<std::int64_t>(from.size()),
                               [&](float v) { return exponent == 0 ? v : std::ldexp(v, exponent); });
      }
    }
    report(count_);
  }

  /// Writes the output's gradient of each column. For a probability near 0 or 1 it would underflow in
  /// float32, so it is scaled to near 1 by a power of two. Returns the exponents.
  std::vector<int> write_seeds(std::int64_t first, std::int64_t count, Tensor& seeds) const {
    std::vector<int> exponents;
    std::ranges::fill(seeds.values(), 0.0F);
    float* to = seeds.data();
    for (std::int64_t s = first; s < first + count; ++s) {
      for (std::size_t image = 0; image < logits_.size(); ++image) {
        const std::vector<double> seed = score_gradient(logits_[image], scores_[s][image]);
        double largest = 0;
        for (const double v : seed) largest = std::max(largest, std::abs(v));
        const int exponent = largest > 0 ? std::ilogb(largest) : 0;
        exponents.push_back(exponent);
        for (const double v : seed) *to++ = static_cast<float>(std::ldexp(v, -exponent));
      }
    }
    return exponents;
  }

  const RunState& trace_;
  const CompiledNetwork& network_;
  NodeId layer_;
  std::int64_t count_;
  const Progress& progress_;
  ForwardState state_;
  std::vector<std::vector<double>> logits_;  // [M][classes]
  std::vector<std::vector<Score>> scores_;   // [S][M]
};

}  // namespace
}  // namespace runtime

Gradients Trace::gradient(std::string_view layer, std::span<const Score> scores,
                          const GradientOptions& options) const {
  const runtime::CompiledNetwork& network = impl_->network();
  const NodeId node = network.kept_node(layer);
  network.require_resumable(node);
  if (options.at != nullptr) network.require_replacement(node, layer, options.at->shape());
  return runtime::BackwardPass(*impl_, node, scores, options).run();
}

void Session::prepare_gradient(std::string_view layer) const {
  const runtime::CompiledNetwork& network = impl_->network;
  const NodeId node = network.kept_node(layer);
  network.require_resumable(node);
  const std::int64_t images = network.shapes[0][0];
  const bool kept = network.options.keep_preactivations;
  const auto tail = kept ? nullptr : network.tail(node, images, true);
  impl_->gradients.find(node, images, kept ? network.program : *tail);
}

}  // namespace ablaze
