#include <vector>

#include "cam/methods/methods.hpp"
#include "cam/principal.hpp"
#include "cam/result.hpp"

// Eigen-CAM. With the layer as a matrix of places by channels and its singular value decomposition
// A = U S V',
//
//     map = ReLU(A v_1),    v_1 the first right singular vector
//
// No class enters: the map shows what is strongest in the layer, whatever the network makes of it. A singular
// vector's sign is open in the paper; here it is the one that goes with the channels' sum, which for a layer
// behind a ReLU makes the whole map positive (Perron and Frobenius). The most used library centres each
// channel first and takes whichever sign its decomposition gives: another map, about half of it negative.

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
