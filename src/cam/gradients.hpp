#pragma once

#include <vector>

#include <ablaze/tensor.hpp>
#include <xtensor/xtensor.hpp>

#include "cam/method.hpp"

namespace ablaze::cam {

/// What gradient methods look at: a layer of one image and the gradient of one target, in float64.
struct Pulled {
  const Tensor& activation;  ///< A [1, C, H, W]
  xt::xtensor<double, 3> a;  ///< the same, [C, H, W]
  xt::xtensor<double, 3> g;  ///< dy/dA, [C, H, W]
};

/// Pulls each target's gradient back to the layer and lets `answer` make a map of it.
std::vector<Answer> explain_by_gradient(const Question& question, Answer (*answer)(const Pulled&));

/// [C, H, W] from [1, C, H, W].
xt::xtensor<double, 3> planes_of(const Tensor& image);

/// The answer of a method that weights channels, or one whose map is a sum over channels.
Answer answer_from(const Pulled& pulled, const xt::xtensor<double, 1>& weights);
Answer answer_from(const xt::xtensor<double, 2>& sum);

/// What a method of one gradient costs.
Work one_gradient(const Shape& layer, const MethodOptions& options);

}  // namespace ablaze::cam
