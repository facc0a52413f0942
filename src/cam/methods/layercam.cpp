#include <xtensor/xmath.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"

// LayerCAM. With g = dy/dA:
//
//     map = ReLU(sum_k ReLU(g_k) A_k),    per location
//
// For early layers the paper applies tanh(2 map / max(map)) before fusing them with later ones; that concerns
// the display and is not in the map. The most used library applies the outer ReLU only for display.

namespace ablaze::cam {

namespace {

Result layercam_result(const LayerGradient& p) {
  return result_from(xt::sum(xt::maximum(p.g, 0.0) * p.a, {0}));
}

}  // namespace

constexpr Method layercam{
    .id = "layercam",
    .name = "LayerCAM",
    .summary = "Weights each location of each channel by its positive gradient; also suits early layers.",
    .paper =
        "P.-T. Jiang, C.-B. Zhang, Q. Hou, M.-M. Cheng and Y. Wei, LayerCAM: Exploring Hierarchical Class "
        "Activation Maps for Localization, IEEE Transactions on Image Processing 30, 2021",
    .passes = "one backward pass to the layer",
    .needs_gradients = true,
    .cost = one_gradient,
    .explain = [](const Request& request) { return explain_by_gradient(request, layercam_result); },
};

}  // namespace ablaze::cam
