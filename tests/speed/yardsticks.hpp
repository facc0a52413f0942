#pragma once

// The reference for a layer's time: simple loops that use the same units of a core as the engine's kernels,
// with the same instruction set and the same mix of loads, permutations and multiply-adds. Processors differ
// in their ratio of arithmetic to loads; a layer and its yardstick change alike.

#include <cstddef>
#include <cstdint>

#include <ablaze/machine.hpp>

namespace ablaze::testing {

/// Grouped 3x3 convolutions of stride 1 on [channels / 16][size + 2][size + 2][16]; size: a multiple of 14.
struct Planes {
  const float* in = nullptr;
  float* out = nullptr;
  int channels = 0, size = 0;
  int kernel_rows = 3;  ///< a runtime value, as for the kernels
  std::size_t floats() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>((size + 2) * (size + 2));
  }
};

/// The number of floats that Yardsticks::tiles uses.
inline constexpr int kTileFloats = 10240;

/// The loops of one instruction set.
struct Yardsticks {
  /// Register tiles of a matrix product with all operands in the first caches, for about this number of
  /// floating-point operations. Reads and writes kTileFloats floats.
  void (*tiles)(double operations, float* memory);
  /// Groups of one channel and of four. Weights: 9 blocks of 16 per input of a group.
  void (*depthwise)(const Planes&, const float* weights);
  void (*groups_of_4)(const Planes&, const float* weights);
  /// A matrix of `outputs` x `inputs` (multiples of 32 and 16) times one vector, from float or half weights.
  void (*matrix)(const float* weights, int inputs, int outputs, const float* x, float* y);
  void (*half_matrix)(const std::uint16_t* weights, int inputs, int outputs, const float* x, float* y);
};

/// Of Isa::avx2 or Isa::avx512.
const Yardsticks& yardsticks(Isa isa);

}  // namespace ablaze::testing
