#include <algorithm>
#include <numeric>

#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "runtime/ablation/request.hpp"
#include "runtime/ablation/route.hpp"
#include "runtime/scores.hpp"

namespace ablaze {
namespace runtime {

void require_channels(const CompiledNetwork& network, NodeId layer, std::string_view name) {
  const Shape& shape = network.shapes[layer];
  if (shape.size() == 4 && layer != 0) return;
  throw UsageError("layer " + std::string(name) + " (" + to_string(shape) +
                   ") has no channels with a spatial extent to ablate");
}

}  // namespace runtime

namespace {

using runtime::CompiledNetwork;

void require_image(std::int64_t images, std::int64_t image) {
  if (image >= 0 && image < images) return;
  throw UsageError("image " + std::to_string(image) + " does not exist: the trace holds " +
                   std::to_string(images));
}

std::vector<std::vector<int>> in_order(std::span<const std::vector<int>> sets, std::int64_t channels) {
  std::vector<std::vector<int>> result(sets.begin(), sets.end());
  for (std::vector<int>& set : result) {
    std::ranges::sort(set);
    if (std::ranges::adjacent_find(set) != set.end())
      throw UsageError("a set of channels has channel " + std::to_string(*std::ranges::adjacent_find(set)) +
                       " twice");
    if (!set.empty() && (set.front() < 0 || set.back() >= channels)) {
      throw UsageError("channel " + std::to_string(set.front() < 0 ? set.front() : set.back()) +
                       " does not exist: the layer has " + std::to_string(channels));
    }
  }
  return result;
}

}  // namespace

Drops Trace::ablate(std::string_view layer, const Ablation& ablation, std::span<const Score> scores,
                    const AblateOptions& options) const {
  const NodeId node = impl_->network().kept_node(layer);
  runtime::require_channels(impl_->network(), node, layer);
  const auto channels = static_cast<std::size_t>(impl_->network().shapes[node][1]);
  std::vector<std::vector<int>> single(channels);
  for (std::size_t k = 0; k < channels; ++k) single[k] = {static_cast<int>(k)};
  return ablate_sets(layer, ablation, single, scores, options);
}

Drops Trace::ablate_sets(std::string_view layer, const Ablation& ablation,
                         std::span<const std::vector<int>> sets, std::span<const Score> scores,
                         const AblateOptions& options) const {
  const CompiledNetwork& network = impl_->network();
  const NodeId node = network.kept_node(layer);
  runtime::require_channels(network, node, layer);
  const Shape& shape = network.shapes[node];
  require_image(shape[0], options.image);
  const auto image = static_cast<int>(options.image);
  const std::vector<Score> settled = runtime::settle(scores, runtime::logits_of(*impl_, image));
  const std::vector<std::vector<int>> ordered = in_order(sets, shape[1]);
  const runtime::AblationRequest request{*impl_, node, image, ablation, ordered, settled, options.progress};
  const bool follow = !options.rerun && network.options.keep_preactivations;
  return follow ? ablate_by_deltas(request) : ablate_by_rerun(request);
}

}  // namespace ablaze
