#include "kernels/choice.hpp"

#include "kernels/kernels.hpp"

namespace ablaze::kernels {
namespace {

constexpr int kBlockTiles = 14;  // one row of AVX-512's register tile, and small enough for a core's cache
constexpr int kChunkTiles = 256;
constexpr int kFewestTiles = 12;

int tiles(const Convolution3x3& shape, int side) {
  return shape.batch * ((shape.out_h + side - 1) / side) * ((shape.out_w + side - 1) / side);
}

/// In blocks the transformed tiles stay in the core's cache, but every block streams all weights; in phases
/// the weights stream once, but the threads wait for each other two more times. Milliseconds on two cores of
/// a Zen 4, inside a network, so that the weights are cold:
///
///                     AVX-512          AVX2
///                   blocks phases  blocks phases
///    64 ->  64 @224   6.9    7.1     7.3    11.8
///   128 -> 128 @112   6.0    5.6     6.4     7.9
///   128 -> 128 @28    0.36   0.39    0.44    0.38
///   256 -> 256 @56    4.88   4.86    5.67    5.07
///   512 -> 512 @28    5.94   4.87    7.96    5.25
bool in_blocks(const Convolution3x3& shape, Isa isa, int threads) {
  const int count = tiles(shape, 4);
  const int items = (count + kBlockTiles - 1) / kBlockTiles;
  if (items < 2 * threads || shape.in_channels > 128) return false;
  return isa == Isa::avx512 || count >= 100;
}

}  // namespace

// F(4x4) needs a quarter of the direct kernel's multiplications but reads four times the weights; F(2x2)
// needs less than half of them for less than twice the weights. On a single 7x7 map F(4x4) has only four
// tiles to reuse its weights. Milliseconds, as above:
//
//                     AVX-512                AVX2
//                   F(4x4) F(2x2) direct   F(4x4) F(2x2) direct
//   256 -> 256 @14    0.52   0.61   1.0      0.58   0.58   1.0
//   512 -> 512 @14    1.61   2.06   3.9      2.12   2.15   3.9
//   512 -> 512 @7     1.31   0.78   1.22     1.17   0.99   1.37
Choice choose(const Convolution3x3& shape, Isa isa, int threads) {
  // The baseline stays direct: conversions store its results as their self-test.
  if (isa == Isa::baseline || shape.in_channels < kBlock) return {};
  if (tiles(shape, 4) >= kFewestTiles) {
    const int block_tiles = in_blocks(shape, isa, threads) ? kBlockTiles : 0;
    return {true, 4, block_tiles, kChunkTiles};
  }
  if (tiles(shape, 2) >= kFewestTiles) return {true, 2, 0, kChunkTiles};
  return {};
}

bool narrow(int group_inputs, int group_outputs) {
  const bool divides = group_inputs <= 8 && kBlock % group_inputs == 0 && group_outputs % group_inputs == 0;
  return divides && (kBlock % group_outputs == 0 || group_outputs % kBlock == 0);
}

bool keep_half(int images) {
  // 25,088 x 4,096 on two cores of a Zen 4, time of half relative to float32: AVX-512 0.5 for 1 image, 0.53
  // for 4, 0.72 for 8, 1 for 14 to 24, 1.09 for 64; AVX2 0.6, 0.58, 0.79, 0.8 to 0.87, 1.0.
  return images <= 24;
}

int chunk_stride(const Choice& choice, int tiles) {
  // Odd, so that the planes do not fall into the same cache sets.
  return std::min(choice.chunk_tiles, tiles) | 1;
}

}  // namespace ablaze::kernels
