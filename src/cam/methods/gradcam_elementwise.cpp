#include <xtensor/xmath.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"

// Element-wise Grad-CAM. With g = dy/dA:
//
//     map = sum_k ReLU(g_k A_k),    per location
//
// HiRes-CAM with the ReLU inside the sum, so that evidence against the class cannot cancel evidence for it.
// Nothing is below zero: the signed map is the map.

namespace ablaze::cam {

namespace {

Result gradcam_elementwise_answer(const LayerGradient& p) {
  return result_from(xt::sum(xt::maximum(p.a * p.g, 0.0), {0}));
}

}  // namespace

constexpr Method gradcam_elementwise{
    .id = "gradcam-elementwise",
    .name = "Element-wise Grad-CAM",
    .summary = "Sums the positive part of gradient times activation over the channels, per location.",
    .paper =
        "J. Gildenblat and contributors, PyTorch library for CAM methods (GradCAMElementWise), 2021; no "
        "paper",
    .passes = "one backward pass to the layer",
    .needs_gradients = true,
    .cost = one_gradient,
    .explain =
        [](const Request& request) { return explain_by_gradient(request, gradcam_elementwise_answer); },
};

}  // namespace ablaze::cam
