#include <xtensor/xmath.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"

// LayerCAM. With g = dy/dA:
//
//     map = ReLU(sum_k ReLU(g_k) A_k),    place by place
//
// For early layers the paper draws tanh(2 map / max(map)) before it fuses them with later ones; that is a
// matter of the drawing and is not in the map. The most used library leaves the outer ReLU to its drawing.

namespace ablaze::cam {

namespace {

Result layercam_answer(const LayerGradient& p) {
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
    .explain = [](const Request& request) { return explain_by_gradient(request, layercam_answer); },
};

}  // namespace ablaze::cam
