#pragma once

#include <map>
#include <memory>
#include <vector>

#include "runtime/compiled_network.hpp"

namespace ablaze::runtime {

/// A convolution's gradient goes back to its input as a convolution of stride 1 with the filters transposed
/// and turned round. Where the convolution itself strides, a row of its input meets only every stride-th tap,
/// and which ones it meets repeats with the stride: one small convolution for each kind of pixel, no zero
/// multiplied.
struct TransposedConvolution {
  /// The pixels (first_y + i * step_y, first_x + j * step_x) of the input, and the taps that reach them.
  struct Phase {
    Pixels pixels;
    Geometry geometry;  ///< of stride 1; its padding may be negative
    kernels::Choice choice;
    std::shared_ptr<const PackedWeights> packed;
  };
  std::vector<Phase> phases;
  bool whole = true;               ///< every pixel is in some phase; the others' gradient is zero
  int border_y = 0, border_x = 0;  ///< zeros that the phases read around the output's gradient
  std::uint64_t bytes = 0;         ///< of the packed weights
};

/// What it takes, without weights: for the borders.
TransposedConvolution plan_transposed(const op::Conv2d& conv, const Shape& in, const Shape& out);

/// The same with its weights packed, `scale` [O] folded in (empty: none). Algorithms are chosen for one
/// image.
TransposedConvolution pack_transposed(const CompiledNetwork& network, NodeId conv,
                                      std::span<const double> scale);

}  // namespace ablaze::runtime
