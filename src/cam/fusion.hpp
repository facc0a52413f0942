#pragma once

#include <span>

#include <ablaze/methods.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// Fuses signed maps [h, w] of several layers into one of the finest size among them: each map is enlarged
/// (cubic, edges clamped) and divided by its largest magnitude; then the maps are combined per location in
/// float64. A map of zeros stays zero and counts. Values are in [-1, 1]. Throws Error without maps, or if one
/// is not [h, w].
Tensor fuse(std::span<const Tensor> maps, Fusion how);

}  // namespace ablaze::cam
