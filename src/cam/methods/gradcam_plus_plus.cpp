#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"

// Grad-CAM++. The paper differentiates Y = exp(y), whose derivatives are exp(y) times powers of g = dy/dA
// where y is piecewise linear in A; the power of e cancels in alpha and is a common factor of the weights,
// left out here (it overflows for a large logit and changes no picture):
//
//     alpha = g^2 / (2 g^2 + sum(A_k) g^3)        w_k = sum(alpha ReLU(g_k))        map = ReLU(sum_k w_k A_k)
//
// Only places with g > 0 count, where alpha g = g / (2 + sum(A_k) g). Where that divisor is 0, as it can be
// at a layer with negative activations, the place counts 0. The most used library adds 1e-6 to the divisor of
// alpha, which decides where g^2 is as small as that.

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
