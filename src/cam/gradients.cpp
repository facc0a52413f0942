#include "cam/gradients.hpp"

#include <ablaze/xtensor.hpp>
#include <xtensor/xview.hpp>

#include "cam/result.hpp"
#include "cam/scores.hpp"

namespace ablaze::cam {

xt::xtensor<double, 3> planes_of(const Tensor& image) { return xt::view(as_xtensor<4>(image), 0); }

std::vector<Answer> explain_by_gradient(const Question& question, Answer (*answer)(const Pulled&)) {
  const Tensor activation = question.trace.activation(question.layer);
  std::vector<Answer> answers;
  for (const Slope& slope : gradients(question))
    answers.push_back(answer({activation, planes_of(activation), planes_of(slope.gradient)}));
  return answers;
}

Answer answer_from(const Pulled& pulled, const xt::xtensor<double, 1>& weights) {
  return answer_from(pulled.activation, std::vector<double>(weights.begin(), weights.end()));
}

Answer answer_from(const xt::xtensor<double, 2>& sum) { return answer_from(from_xtensor(sum)); }

Work one_gradient(const Shape&, const MethodOptions&) { return {.gradients = 1}; }

}  // namespace ablaze::cam
