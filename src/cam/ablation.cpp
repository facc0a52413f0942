#include <utility>
#include <vector>

#include "cam/answer.hpp"
#include "cam/measure.hpp"
#include "cam/methods.hpp"

// Ablation-CAM. With A the layer's activations, y the class's score and y_k the score when channel k is
// ablated:
//
//     drop_k = y - y_k        w_k = drop_k / |y|        map = ReLU(sum_k w_k A_k)

namespace ablaze::cam {

namespace {

std::vector<Answer> explain(const Question& question) {
  std::vector<Effect> effects = ablate_channels(question);
  const Tensor activation = question.trace.activation(question.layer);
  std::vector<Answer> answers;
  for (Effect& effect : effects) {
    answers.push_back(answer_from_parts(activation, effect.drops, effect.score));
    answers.back().drops = std::move(effect.drops);
  }
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
    .needs_gradients = false,
    .explain = explain,
};

}  // namespace ablaze::cam
