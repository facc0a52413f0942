#pragma once

#include <ablaze/machine.hpp>

namespace ablaze::kernels {

/// The parameters of a 3x3 convolution (stride 1, undilated, ungrouped) that decide its algorithm.
struct Convolution3x3 {
  int batch = 1;
  int in_channels = 0, out_channels = 0;
  int out_h = 0, out_w = 0;
};

/// How to compute it. The algorithm depends on shape and instruction set only, so that the same input always
/// gives the same bytes; the schedule may depend on the number of threads, since it changes no sum.
struct Choice {
  bool winograd = false;
  int side = 4;         ///< F(side x side, 3x3): 2 or 4
  int block_tiles = 0;  ///< > 0: tiles per block; a block goes from input to output in the core's cache
  int chunk_tiles = 0;  ///< block_tiles == 0: tiles per chunk of three phases; the weights stream once
};

Choice choose(const Convolution3x3& shape, Isa isa, int threads);

/// Whether a grouped convolution runs in narrow_conv: every vector of outputs must read one vector of inputs.
/// True for depthwise ones, for groups of 1, 2, 4 or 8 channels, and for such groups with more outputs than
/// inputs.
bool narrow(int group_inputs, int group_outputs);

/// Whether a linear layer keeps the weights of a half-precision file in half precision.
bool keep_half(int images);

/// Tiles that the working memory of a Winograd step in phases has room for, of `tiles` in all.
int chunk_stride(const Choice& choice, int tiles);

}  // namespace ablaze::kernels
