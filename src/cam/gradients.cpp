#include "cam/gradients.hpp"

#include <xtensor/xview.hpp>

#include <ablaze/xtensor.hpp>

#include "cam/result.hpp"
#include "cam/scores.hpp"

namespace ablaze::cam {

xt::xtensor<double, 3> planes_of(const Tensor& image) { return xt::view(as_xtensor<4>(image), 0); }

std::vector<Result> explain_by_gradient(const Request& request, Result (*result)(const LayerGradient&)) {
  const Tensor activation = request.trace.activation(request.layer);
  std::vector<Result> results;
  for (const TargetGradient& slope : gradients(request))
    results.push_back(result({activation, planes_of(activation), planes_of(slope.gradient)}));
  return results;
}

Result result_from(const LayerGradient& gradient, const xt::xtensor<double, 1>& weights) {
  return result_from(gradient.activation, std::vector<double>(weights.begin(), weights.end()));
}

Result result_from(const xt::xtensor<double, 2>& sum) { return result_from(from_xtensor(sum)); }

Cost one_gradient(const Shape&, const MethodOptions&) { return {.gradients = 1}; }

}  // namespace ablaze::cam
