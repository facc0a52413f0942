#pragma once

#include <map>
#include <memory>
#include <vector>

#include "runtime/compiled_network.hpp"

namespace ablaze::runtime {

/// The gradient of a convolution's input is a convolution of stride 1 of the output's gradient, with
/// transposed and rotated filters. If the convolution has a stride, a row of its input is read only by every
/// stride-th tap, in a pattern that repeats with the stride. Each class of pixels is then one small
/// convolution, which multiplies no zeros.
struct TransposedConvolution {
  /// One class of input pixels, and the taps that read them.
  struct Phase {
    Pixels pixels;
    Geometry geometry;  ///< of stride 1; its padding may be negative
    kernels::Choice choice;
    std::shared_ptr<const PackedWeights> packed;
  };
  std::vector<Phase> phases;
  bool whole = true;               ///< every pixel is in some phase; other pixels have no gradient
  int border_y = 0, border_x = 0;  ///< zeros around the output's gradient that the phases read
  std::uint64_t bytes = 0;         ///< of the packed weights
};

/// The phases without weights, for the borders.
TransposedConvolution plan_transposed(const op::Conv2d& conv, const Shape& in, const Shape& out);

/// The same with packed weights, `scale` [O] folded in (empty: none). Algorithms are selected for one image.
TransposedConvolution pack_transposed(const CompiledNetwork& network, NodeId conv,
                                      std::span<const double> scale);

}  // namespace ablaze::runtime
