// A linear layer's output change for input changes that each come from one channel before flattening.
#pragma once

#include "kernels/isa_common.hpp"

namespace ablaze::kernels {
namespace {

// Channels of a block summed together: neighbouring weights are read together, and the sums are independent.
constexpr int kLinearLanes = Vector::registers >= 32 ? 8 : 4;

/// Prefetches memory for the next block of channels: lanes of a block are too far apart for the hardware
/// prefetcher.
void prefetch(const float* p, int floats) {
  constexpr int kLine = 16;
  for (int i = 0; i < floats; i += kLine) __builtin_prefetch(p + i);
}

/// sums[i] = weights times plane i, for kLinearLanes channels and the Blocks * 16 outputs of one group.
template <int Blocks>
void channel_sums(const LinearOfPlanes& l, const float* weights, const float* planes, float* sums) {
  constexpr int kLanes = Blocks * kBlock;
  constexpr int kPart = kLanes < 2 * Vector::width ? 1 : 2;
  for (int first = 0; first < kLanes; first += kPart * Vector::width) {
    Vector sum[kLinearLanes][kPart];
    ABLAZE_UNROLL
    for (int i = 0; i < kLinearLanes; ++i) {
      ABLAZE_UNROLL
      for (int b = 0; b < kPart; ++b) sum[i][b] = Vector::all(0);
    }
    for (int pixel = 0; pixel < l.area; ++pixel) {
      const float* w = weights + static_cast<std::ptrdiff_t>(pixel) * kBlock * kLanes + first;
      prefetch(w + static_cast<std::ptrdiff_t>(l.area) * kBlock * kLanes, kLinearLanes * kLanes);
      ABLAZE_UNROLL
      for (int i = 0; i < kLinearLanes; ++i) {
        const Vector x = Vector::all(planes[static_cast<std::ptrdiff_t>(i) * l.area + pixel]);
        ABLAZE_UNROLL
        for (int b = 0; b < kPart; ++b) {
          sum[i][b] = multiply_add(Vector::load(w + i * kLanes + b * Vector::width), x, sum[i][b]);
        }
      }
    }
    ABLAZE_UNROLL
    for (int i = 0; i < kLinearLanes; ++i) {
      ABLAZE_UNROLL
      for (int b = 0; b < kPart; ++b) sum[i][b].store(sums + i * kLanes + first + b * Vector::width);
    }
  }
}

/// Adds one channel's sums to the images that contain it.
template <int Blocks>
void add_to_images(const LinearOfPlanes& l, int channel, const float* sums, float* out) {
  for (int at = l.images.first[channel]; at < l.images.first[channel + 1]; ++at) {
    float* image = out + static_cast<std::ptrdiff_t>(l.images.index[at]) * kBlock;
    for (int b = 0; b < Blocks; ++b) {
      for (int lane = 0; lane < kBlock; lane += Vector::width) {
        float* to = image + b * l.out.block + lane;
        (Vector::load(to) + Vector::load(sums + b * kBlock + lane)).store(to);
      }
    }
  }
}

template <int Blocks>
void linear_group(const LinearOfPlanes& l, const OutGroup& group) {
  float* out = l.out.data + group.first_block * l.out.block;
  for (int b = 0; b < Blocks; ++b) zero_pixels(out + b * l.out.block, l.batch);
  const float* weights = l.weights + group.weights;
  const std::ptrdiff_t block_weights = static_cast<std::ptrdiff_t>(l.area) * kBlock * Blocks * kBlock;
  alignas(64) float sums[kLinearLanes * Blocks * kBlock];
  for (int channel = 0; channel < l.channels; channel += kLinearLanes) {
    const int end = smaller(channel + kLinearLanes, l.channels);
    if (l.images.first[channel] == l.images.first[end]) continue;
    channel_sums<Blocks>(l,
                         weights + channel / kBlock * block_weights +
                             static_cast<std::ptrdiff_t>(channel % kBlock) * Blocks * kBlock,
                         l.planes + static_cast<std::ptrdiff_t>(channel) * l.area, sums);
    for (int c = channel; c < end; ++c)
      add_to_images<Blocks>(l, c, sums + static_cast<std::ptrdiff_t>(c - channel) * Blocks * kBlock, out);
  }
  if (!l.relu) return;
  for (int b = 0; b < Blocks; ++b) {
    const float* base = l.base.data + (group.first_block + b) * l.base.block;
    for (int lane = 0; lane < kBlock; lane += Vector::width) {
      const Vector before = Vector::load(base + lane);
      for (int n = 0; n < l.batch; ++n) {
        float* to = out + b * l.out.block + static_cast<std::ptrdiff_t>(n) * kBlock + lane;
        relu_change(before, Vector::load(to)).store(to);
      }
    }
  }
}

/// An item: one group of outputs for all images.
void linear_of_planes(const LinearOfPlanes& l, int item) {
  const OutGroup& group = l.groups[item];
  if (group.blocks == kTileBlocks) return linear_group<kTileBlocks>(l, group);
  linear_group<1>(l, group);
}

}  // namespace
}  // namespace ablaze::kernels
