#pragma once

#include <span>

#include <ablaze/resolution.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// Maps [h, w] of several layers, signs kept, as one of the finest size among them: each enlarged (cubic,
/// edges clamped), divided by its largest magnitude, then joined place by place in float64. A map of zeros
/// stays zero and counts. Values lie in [-1, 1]. Throws Error where there is no map or one is not [h, w].
Tensor fuse(std::span<const Tensor> maps, Fusion how);

}  // namespace ablaze::cam
