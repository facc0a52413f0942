#include <cmath>
#include <string>
#include <vector>

#include <ablaze/error.hpp>

#include "cam/maps.hpp"
#include "cam/methods.hpp"

// Ablation-CAM. With A the layer's activations, y the class's score and y_k the score when channel k is
// ablated:
//
//     drop_k = y - y_k        w_k = drop_k / |y|        map = ReLU(sum_k w_k A_k)
//
// The paper divides by y. Dividing by |y| is the same for y > 0 and keeps the signs of the weights for y < 0,
// where the paper's quotient would turn evidence for the class into evidence against it.

namespace ablaze::cam {

namespace {

// Below this a score is too near to zero to be a measure of anything; the map's picture is the same
// undivided.
constexpr double smallest_divisor = 1e-6;

/// Of one class: y, and y - y_k for each channel.
struct Effect {
  double score = 0;
  std::vector<double> drops;
};

void require_finite(const Effect& effect, std::int64_t index) {
  bool finite = std::isfinite(effect.score);
  for (const double drop : effect.drops) finite = finite && std::isfinite(drop);
  if (!finite) {
    throw Error(
        "the score of class " + std::to_string(index) +
        " is not a finite number: the input or the weights hold values that are not finite, or too large");
  }
}

std::string note_on_divisor(double score) {
  if (std::abs(score) >= smallest_divisor) return {};
  return "the score is so near to zero that the drops stand undivided as weights";
}

std::string joined(std::string a, const std::string& b) {
  if (!a.empty() && !b.empty()) a += "; ";
  return a + b;
}

Answer answer(const Tensor& activation, Effect effect) {
  const double size = std::abs(effect.score);
  const double divisor = size < smallest_divisor ? 1 : size;
  Answer out;
  for (const double drop : effect.drops) out.weights.push_back(drop / divisor);
  const Tensor sum = weighted_sum(activation, out.weights);
  out.map = rectified(sum);
  out.note = joined(note_on(sum), note_on_divisor(effect.score));
  out.drops = std::move(effect.drops);
  return out;
}

std::vector<Answer> explain_by_ablation(const Question& question) {
  Drops measured = question.trace.ablate(question.layer, question.ablation, question.scores,
                                         {.progress = question.progress});
  const Tensor activation = question.trace.activation(question.layer);

  std::vector<Answer> answers;
  for (std::size_t i = 0; i < question.scores.size(); ++i) {
    Effect effect{measured.scores.at(i), std::move(measured.drops.at(i))};
    require_finite(effect, question.scores[i].index);
    answers.push_back(answer(activation, std::move(effect)));
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
    .explain = explain_by_ablation,
};

}  // namespace ablaze::cam
