#include <xtensor/xmath.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"

// HiRes-CAM. With g = dy/dA:
//
//     map = ReLU(sum_k g_k A_k),    per location
//
// The paper shows the sum itself, with or without the ReLU; the signed map is the sum.

namespace ablaze::cam {

namespace {

Result hirescam_result(const LayerGradient& p) { return result_from(xt::sum(p.a * p.g, {0})); }

}  // namespace

constexpr Method hirescam{
    .id = "hirescam",
    .name = "HiRes-CAM",
    .summary = "Sums gradient times activation over the channels, per location, without spatial averaging.",
    .paper =
        "R. L. Draelos and L. Carin, Use HiResCAM instead of Grad-CAM for Faithful Explanations of "
        "Convolutional Neural Networks, arXiv:2011.08891, 2020",
    .passes = "one backward pass to the layer",
    .needs_gradients = true,
    .cost = one_gradient,
    .explain = [](const Request& request) { return explain_by_gradient(request, hirescam_result); },
};

}  // namespace ablaze::cam
