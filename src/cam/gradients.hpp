#pragma once

#include <vector>

#include <xtensor/xtensor.hpp>

#include <ablaze/tensor.hpp>

#include "cam/method.hpp"

namespace ablaze::cam {

/// The input of gradient methods, in float64: one image's activations of a layer and the gradient of one
/// target.
struct LayerGradient {
  const Tensor& activation;  ///< A [1, C, H, W]
  xt::xtensor<double, 3> a;  ///< the same, [C, H, W]
  xt::xtensor<double, 3> g;  ///< dy/dA, [C, H, W]
};

/// Backpropagates each target to the layer and calls `result` to make a map from each gradient.
std::vector<Result> explain_by_gradient(const Request& request, Result (*result)(const LayerGradient&));

/// [C, H, W] from [1, C, H, W].
xt::xtensor<double, 3> planes_of(const Tensor& image);

/// The result of a method that weights channels, or of one whose map is a sum over channels.
Result result_from(const LayerGradient& gradient, const xt::xtensor<double, 1>& weights);
Result result_from(const xt::xtensor<double, 2>& sum);

/// The cost of a method that needs one gradient.
Cost one_gradient(const Shape& layer, const MethodOptions& options);

}  // namespace ablaze::cam
