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

void add_findings(const Question& question, const Tensor& activation, const std::vector<Effect>& effects,
                  std::vector<Answer>& answers) {
  const MethodOptions& options = question.options;
  if (options.interactions != 0) {
    auto found = interactions_between(question, activation, options.interactions);
    for (std::size_t t = 0; t < answers.size(); ++t) answers[t].findings.interactions = std::move(found[t]);
  }
  if (options.paths != 0) {
    auto found = channel_paths(question, activation, effects, options.paths);
    for (std::size_t t = 0; t < answers.size(); ++t) answers[t].findings.paths = std::move(found[t]);
  }
}

std::vector<Answer> ablation_maps(const Question& question) {
  const std::vector<Effect> effects = ablate_channels(question);
  const Tensor activation = question.trace.activation(question.layer);
  std::vector<Answer> answers;
  for (const Effect& effect : effects) {
    answers.push_back(answer_from_parts(activation, effect.drops, effect.score));
    answers.back().drops = effect.drops;
  }
  add_findings(question, activation, effects, answers);
  return answers;
}

}  // namespace

constexpr Method ablation_cam{
    .id = "ablation",
    .name = "Ablation-CAM",
    .summary = "Weights each channel by how far the class's score falls when that channel is taken away.",
    .paper =
        "S. Desai and H. G. Ramaswamy, Ablation-CAM: Visual Explanations for Deep Convolutional Network via "
        "Gradient-free Localization, WACV 2020",
    .passes = "an exact change for each channel, followed to the score: far less than a pass each",
    .work = [](const Shape& layer,
               const MethodOptions&) { return Work{.ablations = static_cast<double>(layer.at(0))}; },
    .explain = ablation_maps,
};

}  // namespace ablaze::cam
