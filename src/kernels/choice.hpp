#pragma once

#include <ablaze/isa.hpp>

namespace ablaze::kernels {

/// A 3x3 convolution of stride 1, undilated and ungrouped, as the choice of its algorithm sees it.
struct Convolution3x3 {
  int batch = 1;
  int in_channels = 0, out_channels = 0;
  int out_h = 0, out_w = 0;
};

/// How to compute it. The algorithm depends on shape and instruction set alone, so that the same input always
/// gives the same bytes; the schedule may depend on the number of threads, since it changes no sum.
struct Choice {
  bool winograd = false;
  int side = 4;         ///< F(side x side, 3x3): 2 or 4
  int block_tiles = 0;  ///< > 0: from input to output, so many tiles at a time, in the core's cache
  int chunk_tiles =
      0;  ///< block_tiles == 0: three phases over so many tiles, so that the weights stream once
};

Choice choose(const Convolution3x3& shape, Isa isa, int threads);

/// Whether a grouped convolution is one for narrow_conv: every vector of outputs must find its inputs in one
/// vector of inputs. Depthwise ones, groups of 1, 2, 4 or 8 channels, and such with more outputs than inputs.
bool narrow(int group_inputs, int group_outputs);

/// Whether a linear layer keeps weights half that its file holds in half precision.
bool keep_half(int images);

/// Tiles that the working memory of a Winograd step in phases has room for, of `tiles` in all.
int chunk_stride(const Choice& choice, int tiles);

}  // namespace ablaze::kernels
