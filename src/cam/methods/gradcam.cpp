#include <xtensor/xmath.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"

// Grad-CAM. With g = dy/dA:
//
//     w_k = mean(g_k)        map = ReLU(sum_k w_k A_k)
//
// y is the logit, as in the paper ("before the softmax"), unless another score is requested.

namespace ablaze::cam {

namespace {

Result gradcam_result(const LayerGradient& p) { return result_from(p, xt::mean(p.g, {1, 2})); }

}  // namespace

constexpr Method gradcam{
    .id = "gradcam",
    .name = "Grad-CAM",
    .summary = "Weights each channel by the spatial mean of the score's gradient.",
    .paper =
        "R. R. Selvaraju, M. Cogswell, A. Das, R. Vedantam, D. Parikh and D. Batra, Grad-CAM: Visual "
        "Explanations from Deep Networks via Gradient-based Localization, ICCV 2017",
    .passes = "one backward pass to the layer",
    .needs_gradients = true,
    .cost = one_gradient,
    .explain = [](const Request& request) { return explain_by_gradient(request, gradcam_result); },
};

}  // namespace ablaze::cam
