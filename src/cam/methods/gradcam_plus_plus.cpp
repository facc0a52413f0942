#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"

// Grad-CAM++. The paper differentiates Y = exp(y), whose derivatives are exp(y) times powers of g = dy/dA if
// y is piecewise linear in A. exp(y) cancels in alpha and is a common factor of the weights; it is omitted
// here, because it overflows for a large logit and does not change the normalised map:
//
//     alpha = g^2 / (2 g^2 + sum(A_k) g^3)        w_k = sum(alpha ReLU(g_k))        map = ReLU(sum_k w_k A_k)
//
// Only locations with g > 0 contribute, where alpha g = g / (2 + sum(A_k) g). Locations with a zero divisor
// (possible at a layer with negative activations) contribute 0. The most used library adds 1e-6 to alpha's
// divisor, which dominates if g^2 is that small.

namespace ablaze::cam {

namespace {

Result gradcam_plus_plus_answer(const LayerGradient& p) {
  const xt::xtensor<double, 1> whole = xt::sum(p.a, {1, 2});
  const xt::xtensor<double, 3> below = 2 + xt::view(whole, xt::all(), xt::newaxis(), xt::newaxis()) * p.g;
  return result_from(p, xt::sum(xt::where(p.g > 0 && xt::not_equal(below, 0), p.g / below, 0.0), {1, 2}));
}

}  // namespace

constexpr Method gradcam_plus_plus{
    .id = "gradcam++",
    .name = "Grad-CAM++",
    .summary = "Weights each channel by its positive gradients, each weighted by its location's importance.",
    .paper =
        "A. Chattopadhay, A. Sarkar, P. Howlader and V. N. Balasubramanian, Grad-CAM++: Generalized "
        "Gradient-based Visual Explanations for Deep Convolutional Networks, WACV 2018",
    .passes = "one backward pass to the layer",
    .needs_gradients = true,
    .cost = one_gradient,
    .explain = [](const Request& request) { return explain_by_gradient(request, gradcam_plus_plus_answer); },
};

}  // namespace ablaze::cam
