#include <vector>

#include "cam/methods/methods.hpp"
#include "cam/principal.hpp"
#include "cam/result.hpp"

// Eigen-CAM. With the layer as a matrix of locations by channels and its singular value decomposition A = U S
// V':
//
//     map = ReLU(A v_1),    v_1 the first right singular vector
//
// The map does not depend on a class: it shows the layer's strongest component, whatever its effect on the
// output. The paper leaves the sign of the singular vector open; here it is the sign of the product with the
// channels' sum, which makes the whole map positive for a layer behind a ReLU (Perron and Frobenius). The
// most used library centres each channel first and keeps the sign of its decomposition: a different map,
// about half of it negative.

namespace ablaze::cam {

namespace {

std::vector<Result> eigencam_maps(const Request& request) {
  Result result = result_from(principal_projection(request.trace.activation(request.layer)));
  append(result.note, "Eigen-CAM's map is the same for every class");
  return std::vector<Result>(request.targets.size(), result);
}

}  // namespace

constexpr Method eigencam{
    .id = "eigencam",
    .name = "Eigen-CAM",
    .summary = "Projects the channels on their first principal component, for all classes alike.",
    .paper =
        "M. B. Muhammad and M. Yeasin, Eigen-CAM: Class Activation Map using Principal Components, IJCNN "
        "2020",
    .passes = "only the forward pass",
    .class_discriminative = false,
    .cost = [](const Shape&, const MethodOptions&) { return Cost{}; },
    .explain = eigencam_maps,
};

}  // namespace ablaze::cam
