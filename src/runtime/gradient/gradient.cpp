#include <ablaze/error.hpp>
#include <ablaze/session.hpp>
#include <algorithm>

#include "runtime/gradient/forward_state.hpp"
#include "runtime/gradient/plain.hpp"
#include "runtime/scores.hpp"

namespace ablaze {
namespace {

using runtime::CompiledNetwork;
using runtime::ForwardState;

std::span<const float> row_of(const Tensor& tensor, std::int64_t row) {
  const auto columns = static_cast<std::size_t>(tensor.size() / tensor.dim(0));
  return tensor.values().subspan(static_cast<std::size_t>(row) * columns, columns);
}

/// The scores of each image of the trace, settled by its own run.
std::vector<std::vector<Score>> settle_images(const runtime::RunState& trace, std::span<const Score> scores) {
  std::vector<std::vector<Score>> settled;
  const std::int64_t images = trace.session->shapes[0][0];
  for (int image = 0; image < images; ++image)
    settled.push_back(runtime::settle(scores, runtime::logits_of(trace, image)));
  return settled;
}

}  // namespace

Gradients Trace::gradient(std::string_view layer, std::span<const Score> scores,
                          const GradientOptions& options) const {
  const CompiledNetwork& session = *impl_->session;
  const NodeId node = session.kept_node(layer);
  session.require_resumable(node);
  if (options.at != nullptr) session.require_replacement(node, layer, options.at->shape());
  const std::vector<std::vector<Score>> settled = settle_images(*impl_, scores);
  const ForwardState state(*impl_, node, options.at);
  const Tensor logits = state.logits();
  const std::int64_t images = state.images();
  std::vector<Shape> shapes;
  for (NodeId id = 0; id < session.graph.size(); ++id) shapes.push_back(session.shape_for(id, images));
  runtime::PlainGradient plain(session.graph, shapes, [&](NodeId id) {
    const Tensor t = state.read(id);
    return std::vector<double>(t.values().begin(), t.values().end());
  });

  Gradients result;
  const auto total = static_cast<std::int64_t>(scores.size());
  for (std::size_t s = 0; s < scores.size(); ++s) {
    if (options.progress && !options.progress(static_cast<std::int64_t>(s), total)) throw Cancelled();
    std::vector<double> seed;
    result.scores.emplace_back();
    for (std::int64_t image = 0; image < images; ++image) {
      const std::span<const float> row = row_of(logits, image);
      const std::vector<double> y(row.begin(), row.end());
      const Score& score = settled[settled.size() == 1 ? 0 : static_cast<std::size_t>(image)][s];
      result.scores[s].push_back(runtime::score_of(y, score));
      const std::vector<double> part = runtime::score_gradient(y, score);
      seed.insert(seed.end(), part.begin(), part.end());
    }
    const std::vector<double> back = plain.pull(node, std::move(seed));
    Tensor gradient = Tensor::uninitialised(session.shape_for(node, images));
    std::ranges::transform(back, gradient.data(), [](double v) { return static_cast<float>(v); });
    result.gradients.push_back(std::move(gradient));
  }
  if (options.progress && !options.progress(total, total)) throw Cancelled();
  return result;
}

}  // namespace ablaze
