#include <xtensor/xmanipulation.hpp>

#include <ablaze/xtensor.hpp>

#include "cam/gradients.hpp"
#include "cam/methods/methods.hpp"
#include "cam/principal.hpp"
#include "cam/result.hpp"

// Eigen-Grad-CAM. With g = dy/dA and B = g A (elementwise) as a matrix of locations by channels, B = U S V':
//
//     map = ReLU(B v_1),    v_1 the first right singular vector
//
// The sign is that of the product with the channels' sum, HiRes-CAM's map. The library that introduced the
// method centres each channel first and keeps the sign of its decomposition (see Eigen-CAM).
//
// The first component is the strongest, for or against the class. If it is against the class, the map is
// almost zero and the note says so, while HiRes-CAM shows both.

namespace ablaze::cam {

namespace {

Result eigengradcam_result(const LayerGradient& p) {
  xt::xtensor<double, 4> terms = xt::expand_dims(p.a * p.g, 0);
  return result_from(principal_projection(from_xtensor(terms)));
}

}  // namespace

constexpr Method eigengradcam{
    .id = "eigengradcam",
    .name = "Eigen-Grad-CAM",
    .summary = "Projects gradient times activation on its first principal component.",
    .paper =
        "J. Gildenblat and contributors, PyTorch library for CAM methods (EigenGradCAM), 2021, after "
        "Eigen-CAM; no paper",
    .passes = "one backward pass to the layer",
    .needs_gradients = true,
    .cost = one_gradient,
    .explain = [](const Request& request) { return explain_by_gradient(request, eigengradcam_result); },
};

}  // namespace ablaze::cam
