#pragma once

#include <vector>

#include <xtensor/xtensor.hpp>

#include <ablaze/tensor.hpp>

#include "cam/method.hpp"

namespace ablaze::cam {

/// What gradient methods look at: a layer of one image and the gradient of one target, in float64.
struct LayerGradient {
  const Tensor& activation;  ///< A [1, C, H, W]
  xt::xtensor<double, 3> a;  ///< the same, [C, H, W]
  xt::xtensor<double, 3> g;  ///< dy/dA, [C, H, W]
};

/// Pulls each target's gradient back to the layer and lets `result` make a map of it.
std::vector<Result> explain_by_gradient(const Request& request, Result (*result)(const LayerGradient&));

/// [C, H, W] from [1, C, H, W].
xt::xtensor<double, 3> planes_of(const Tensor& image);

/// The result of a method that weights channels, or one whose map is a sum over channels.
Result result_from(const LayerGradient& gradient, const xt::xtensor<double, 1>& weights);
Result result_from(const xt::xtensor<double, 2>& sum);

/// What a method of one gradient costs.
Cost one_gradient(const Shape& layer, const MethodOptions& options);

}  // namespace ablaze::cam
