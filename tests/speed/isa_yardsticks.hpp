// The yardsticks over the vector type, compiled once per instruction set.
#pragma once

#include "kernels/isa_common.hpp"
#include "speed/yardsticks.hpp"

namespace ablaze::testing {
namespace {

using namespace kernels;

constexpr int kTileVectors = kTileBlocks * kVectors;
constexpr int kTileLanes = kTileBlocks * kBlock;
constexpr int kTaps = 9, kTerms = 2 * kTaps * kBlock;  // of a sum: 32 input channels, 3x3

static_assert(kTerms * kTileLanes + (kTaps + kTilePixels) * kBlock + kTilePixels * kTileLanes <= kTileFloats);

void tiles(double operations, float* memory) {
  const float* weights = memory;
  const float* inputs = memory + kTerms * kTileLanes;
  float* out = memory + kTerms * kTileLanes + (kTaps + kTilePixels) * kBlock;
  const long rounds = 1 + static_cast<long>(operations / (2.0 * kTerms * kTilePixels * kTileLanes));
  for (long round = 0; round < rounds; ++round) {
    Vector sum[kTilePixels][kTileVectors];
    ABLAZE_UNROLL
    for (int j = 0; j < kTilePixels; ++j) {
      ABLAZE_UNROLL
      for (int b = 0; b < kTileVectors; ++b) sum[j][b] = Vector::all(0);
    }
    const float* w = weights;
    for (int tap = 0; tap < kTerms / kBlock; ++tap) {
      const float* x = inputs + tap % kTaps * kBlock;
      ABLAZE_UNROLL_4
      for (int i = 0; i < kBlock; ++i) {
        Vector weight[kTileVectors];
        ABLAZE_UNROLL
        for (int b = 0; b < kTileVectors; ++b) weight[b] = Vector::load(w + b * Vector::width);
        ABLAZE_UNROLL
        for (int j = 0; j < kTilePixels; ++j) {
          const Vector value = Vector::all(x[j * kBlock + i]);
          ABLAZE_UNROLL
          for (int b = 0; b < kTileVectors; ++b) sum[j][b] = multiply_add(weight[b], value, sum[j][b]);
        }
        w += kTileLanes;
      }
    }
    ABLAZE_UNROLL
    for (int j = 0; j < kTilePixels; ++j) {
      ABLAZE_UNROLL
      for (int b = 0; b < kTileVectors; ++b) sum[j][b].store(out + (j * kTileVectors + b) * Vector::width);
    }
  }
}

/// The index of each vector lane's group inputs.
template <int Inputs>
struct GroupLanes {
  int of[Inputs][Vector::width];
  GroupLanes() {
    for (int i = 0; i < Inputs; ++i) {
      for (int lane = 0; lane < Vector::width; ++lane) of[i][lane] = lane / Inputs * Inputs + i;
    }
  }
};

constexpr int kRowPixels = Vector::registers >= 32 ? 14 : 7;  // per tile

/// Neighbouring pixels of one vector of channels. Inputs: the channels of a group.
template <int Inputs>
void grouped_tile(const float* in, int row, int rows, const float* w, const GroupLanes<Inputs>& lanes,
                  float* out) {
  constexpr int kColumns = 3;
  Vector sum[kRowPixels];
  ABLAZE_UNROLL
  for (int j = 0; j < kRowPixels; ++j) sum[j] = Vector::all(0);
  for (int ky = 0; ky < rows; ++ky) {
    for (int i = 0; i < Inputs; ++i) {
      const Lanes picked = Lanes::load(lanes.of[i]);
      Vector weight[kColumns];
      ABLAZE_UNROLL
      for (int kx = 0; kx < kColumns; ++kx) weight[kx] = Vector::load(w + kx * kBlock);
      ABLAZE_UNROLL
      for (int x = 0; x < kRowPixels + kColumns - 1; ++x) {
        const float* p = in + ky * row + x * kBlock;
        const Vector value = Inputs == 1 ? Vector::load(p) : Vector::pick(p, picked);
        ABLAZE_UNROLL
        for (int kx = 0; kx < kColumns; ++kx) {
          const int j = x - kx;
          if (j >= 0 && j < kRowPixels) sum[j] = multiply_add(weight[kx], value, sum[j]);
        }
      }
      w += kColumns * kBlock;
    }
  }
  ABLAZE_UNROLL
  for (int j = 0; j < kRowPixels; ++j) max(Vector::all(0), sum[j]).store(out + j * kBlock);
}

template <int Inputs>
void grouped(const Planes& planes, const float* weights) {
  const GroupLanes<Inputs> lanes;
  const int row = (planes.size + 2) * kBlock;
  const float* in = planes.in;
  float* out = planes.out + row + kBlock;
  for (int block = 0; block < planes.channels / kBlock; ++block) {
    for (int y = 0; y < planes.size; ++y) {
      for (int x = 0; x + kRowPixels <= planes.size; x += kRowPixels) {
        for (int lane = 0; lane < kBlock; lane += Vector::width) {
          const int at = y * row + x * kBlock + lane;
          grouped_tile<Inputs>(in + at, row, planes.kernel_rows, weights + lane, lanes, out + at);
        }
      }
    }
    in += static_cast<std::ptrdiff_t>(planes.size + 2) * row;
    out += static_cast<std::ptrdiff_t>(planes.size + 2) * row;
  }
}

Vector weight_at(const float* p) { return Vector::load(p); }
Vector weight_at(const std::uint16_t* p) { return Vector::load_half(p); }

template <class Number>
void times_vector(const Number* weights, int inputs, int outputs, const float* x, float* y) {
  for (int output = 0; output < outputs; output += kTileLanes) {
    Vector sum[kTileVectors];
    ABLAZE_UNROLL
    for (int b = 0; b < kTileVectors; ++b) sum[b] = Vector::all(0);
    for (int input = 0; input < inputs; input += kBlock) {
      ABLAZE_UNROLL_4
      for (int i = 0; i < kBlock; ++i) {
        const Vector value = Vector::all(x[input + i]);
        ABLAZE_UNROLL
        for (int b = 0; b < kTileVectors; ++b)
          sum[b] = multiply_add(weight_at(weights + b * Vector::width), value, sum[b]);
        weights += kTileLanes;
      }
    }
    ABLAZE_UNROLL
    for (int b = 0; b < kTileVectors; ++b) sum[b].store(y + output + b * Vector::width);
  }
}

constexpr Yardsticks kYardsticks{tiles, grouped<1>, grouped<4>, times_vector<float>,
                                 times_vector<std::uint16_t>};

}  // namespace
}  // namespace ablaze::testing
