#include <xtensor/xmath.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"

// XGrad-CAM. With g = dy/dA:
//
//     w_k = sum(A_k g_k) / sum(A_k)        map = ReLU(sum_k w_k A_k)
//
// A channel whose activations sum to 0 has weight 0.

namespace ablaze::cam {

namespace {

Result xgradcam_result(const LayerGradient& p) {
  const xt::xtensor<double, 1> whole = xt::sum(p.a, {1, 2});
  return result_from(p, xt::where(xt::not_equal(whole, 0), xt::sum(p.a * p.g, {1, 2}) / whole, 0.0));
}

}  // namespace

constexpr Method xgradcam{
    .id = "xgradcam",
    .name = "XGrad-CAM",
    .summary = "Weights each channel by the mean of its gradient, weighted by its activation.",
    .paper =
        "R. Fu, Q. Hu, X. Dong, Y. Guo, Y. Gao and B. Li, Axiom-based Grad-CAM: Towards Accurate "
        "Visualization and Explanation of CNNs, BMVC 2020",
    .passes = "one backward pass to the layer",
    .needs_gradients = true,
    .cost = one_gradient,
    .explain = [](const Request& request) { return explain_by_gradient(request, xgradcam_result); },
};

}  // namespace ablaze::cam
