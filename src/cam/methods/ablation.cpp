#include <utility>
#include <vector>

#include "cam/channel_interactions.hpp"
#include "cam/methods/methods.hpp"
#include "cam/result.hpp"
#include "cam/scores.hpp"

// Ablation-CAM. With A the layer's activations, y the class's score and y_k the score when channel k is
// ablated:
//
//     drop_k = y - y_k        w_k = drop_k / |y|        map = ReLU(sum_k w_k A_k)

namespace ablaze::cam {

namespace {

void add_findings(const Request& request, const Tensor& activation, const std::vector<ChannelDrops>& effects,
                  std::vector<Result>& results) {
  const MethodOptions& options = request.options;
  if (options.interactions != 0) {
    auto found = interactions_between(request, activation, options.interactions);
    for (std::size_t t = 0; t < results.size(); ++t) results[t].findings.interactions = std::move(found[t]);
  }
  if (options.paths != 0) {
    auto found = channel_paths(request, activation, effects, options.paths);
    for (std::size_t t = 0; t < results.size(); ++t) results[t].findings.paths = std::move(found[t]);
  }
}

std::vector<Result> ablation_maps(const Request& request) {
  const std::vector<ChannelDrops> effects = ablate_channels(request);
  const Tensor activation = request.trace.activation(request.layer);
  std::vector<Result> results;
  for (const ChannelDrops& effect : effects) {
    results.push_back(result_from_parts(activation, effect.drops, effect.score));
    results.back().drops = effect.drops;
  }
  add_findings(request, activation, effects, results);
  return results;
}

}  // namespace

constexpr Method ablation_cam{
    .id = "ablation",
    .name = "Ablation-CAM",
    .summary = "Weights each channel by the drop of the class's score when the channel is ablated.",
    .paper =
        "S. Desai and H. G. Ramaswamy, Ablation-CAM: Visual Explanations for Deep Convolutional Network via "
        "Gradient-free Localization, WACV 2020",
    .passes = "an exact change per channel, propagated to the score: far less than a pass per channel",
    .cost = [](const Shape& layer,
               const MethodOptions&) { return Cost{.ablations = static_cast<double>(layer.at(0))}; },
    .explain = ablation_maps,
};

}  // namespace ablaze::cam
