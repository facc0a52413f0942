#pragma once

// What a layer's time is compared with: the plainest loops that keep the same units of a core busy as the
// engine's kernels do, with the same instruction set, in the same mix of loads, permutations and
// multiply-adds. Processors differ much in how much arithmetic they do per load; a layer and its yardstick
// differ alike.

#include <cstddef>
#include <cstdint>

#include <ablaze/isa.hpp>

namespace ablaze::testing {

/// Grouped 3x3 convolutions of stride 1 on [channels / 16][size + 2][size + 2][16]; size: a multiple of 14.
struct Planes {
  const float* in = nullptr;
  float* out = nullptr;
  int channels = 0, size = 0;
  int kernel_rows = 3;  ///< known at run time only, as the kernels know theirs
  std::size_t floats() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>((size + 2) * (size + 2));
  }
};

/// Floats that Yardsticks::tiles works on.
inline constexpr int kTileFloats = 10240;

/// The loops of one instruction set.
struct Yardsticks {
  /// Register tiles of a matrix product, all of whose operands stay in the first caches, until about so many
  /// floating-point operations are done. Works on and into kTileFloats floats.
  void (*tiles)(double operations, float* memory);
  /// Groups of one channel and of four. Weights: 9 blocks of 16 for each input of a group.
  void (*depthwise)(const Planes&, const float* weights);
  void (*groups_of_4)(const Planes&, const float* weights);
  /// A matrix of `outputs` x `inputs` (multiples of 32 and 16) times one vector, from float or half weights.
  void (*matrix)(const float* weights, int inputs, int outputs, const float* x, float* y);
  void (*half_matrix)(const std::uint16_t* weights, int inputs, int outputs, const float* x, float* y);
};

/// Of Isa::avx2 or Isa::avx512.
const Yardsticks& yardsticks(Isa isa);

}  // namespace ablaze::testing
