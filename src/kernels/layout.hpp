#pragma once

// Conversions between row-major NCHW and the kernels' layouts. Functions with an item divide their work as
// kernels do.

#include "kernels/kernels.hpp"

namespace ablaze::kernels {

struct Extent {
  int batch = 1, channels = 0, h = 0, w = 0;
  int blocks() const { return (channels + kBlock - 1) / kBlock; }
};

/// [N][C][H][W] -> [N][C][H + 2 border_y][W + 2 border_x]; items: N * C.
void to_planar(const float* nchw, const Extent& extent, const Output& out, int item);

/// [N][C][H][W] -> nc16; items: N * blocks.
void to_blocked(const float* nchw, const Extent& extent, const Output& out, int item);

/// nc16 -> [N][C][H][W]; items: N * blocks.
void from_blocked(const Input& in, const Extent& extent, float* nchw, int item);

/// nc16 -> [C / 16 * H * W][N][16], the input of a linear layer; items: blocks.
void to_features(const Input& in, const Extent& extent, float* features, int item);

/// The inverse of to_features, border included; items: blocks.
void to_planes(const float* features, const Extent& extent, const Output& out, int item);

/// Zeroes the border around one plane of an nc16 output; items: N * blocks.
void zero_border(const Output& out, const Extent& extent, int item);

/// The inverse of to_features, into plain rows [N][C * H * W]; items: blocks.
void from_features(const float* features, const Extent& extent, float* rows, int item);

/// Plain rows [N][C * H * W] -> features; items: blocks.
void rows_to_features(const float* rows, const Extent& extent, float* features, int item);

}  // namespace ablaze::kernels
