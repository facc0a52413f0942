#include <algorithm>
#include <cmath>

#include "runtime/program.hpp"

namespace ablaze::runtime {
namespace {

using kernels::kBlock;
using kernels::OutGroup;

int blocks_of(std::int64_t channels) { return static_cast<int>((channels + kBlock - 1) / kBlock); }

/// Splits the output's blocks into tiles' worths. Channels of a grouped convolution see only the input
/// blocks that their groups touch.
std::vector<OutGroup> out_groups(int out_channels, int in_per_group, int groups, bool planar, int taps,
                                 int tile_blocks) {
  const int out_per_group = out_channels / groups;
  const int in_block = planar ? 1 : kBlock;
  std::vector<OutGroup> result;
  std::ptrdiff_t offset = 0;
  for (int first = 0; first < blocks_of(out_channels); first += result.back().blocks) {
    const int blocks = std::min(tile_blocks, blocks_of(out_channels) - first);
    const int first_group = first * kBlock / out_per_group;
    const int last_group = (std::min((first + blocks) * kBlock, out_channels) - 1) / out_per_group;
    const int begin = first_group * in_per_group / in_block;
    const int end = ((last_group + 1) * in_per_group + in_block - 1) / in_block;
    result.push_back({first, blocks, begin, end, offset});
    offset += static_cast<std::ptrdiff_t>(end - begin) * in_block * taps * blocks * kBlock;
  }
  return result;
}

std::int64_t packed_floats(const std::vector<OutGroup>& groups, int taps, int in_block) {
  const OutGroup& last = groups.back();
  return last.weights +
         static_cast<std::int64_t>(last.in_end - last.in_begin) * in_block * taps * last.blocks * kBlock;
}

Tensor pack_bias(const Weight& bias, std::int64_t channels, std::span<const double> scale,
                 std::span<const double> shift) {
  Tensor packed({blocks_of(channels) * kBlock});
  if (bias) bias.read(0, packed.values().first(static_cast<std::size_t>(channels)));
  for (std::size_t o = 0; o < scale.size(); ++o) {
    packed.data()[o] = static_cast<float>(packed.data()[o] * scale[o] + shift[o]);
  }
  return packed;
}

}  // namespace

Affine batch_norm_affine(const op::BatchNorm& norm) {
  const Tensor mean = norm.mean.to_tensor(), variance = norm.variance.to_tensor();
  const Tensor weight = norm.weight ? norm.weight.to_tensor() : Tensor();
  const Tensor bias = norm.bias ? norm.bias.to_tensor() : Tensor();
  Affine affine;
  for (std::int64_t c = 0; c < mean.size(); ++c) {
    const double scale = (norm.weight ? weight[c] : 1.0) / std::sqrt(variance[c] + norm.epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back((norm.bias ? bias[c] : 0.0) - mean[c] * scale);
  }
  return affine;
}

std::shared_ptr<const PackedAffine> pack_affine(std::span<const double> scale,
                                                std::span<const double> shift) {
  auto packed = std::make_shared<PackedAffine>();
  const Shape shape{blocks_of(static_cast<std::int64_t>(scale.size())) * kBlock};
  packed->scale = Tensor(shape);
  packed->shift = Tensor(shape);
  std::ranges::transform(scale, packed->scale.data(), [](double v) { return static_cast<float>(v); });
  std::ranges::transform(shift, packed->shift.data(), [](double v) { return static_cast<float>(v); });
  return packed;
}

std::shared_ptr<const PackedWeights> pack_convolution(const Node& node, bool planar, int tile_blocks,
                                                      std::span<const double> scale,
                                                      std::span<const double> shift, int threads) {
  const auto& conv = std::get<op::Conv2d>(node.op);
  const Shape& shape = conv.weight.shape();
  const int out_channels = static_cast<int>(shape[0]), in_per_group = static_cast<int>(shape[1]);
  const int taps = static_cast<int>(shape[2] * shape[3]);
  const int out_per_group = out_channels / conv.groups;
  const int in_block = planar ? 1 : kBlock;

  auto packed = std::make_shared<PackedWeights>();
  packed->groups = out_groups(out_channels, in_per_group, conv.groups, planar, taps, tile_blocks);
  packed->bias = pack_bias(conv.bias, out_channels, scale, shift);
  packed->weights =
      Tensor({packed_floats(packed->groups, taps, in_block)});  // zeros where nothing is connected

#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::size_t g = 0; g < packed->groups.size(); ++g) {
    const OutGroup& group = packed->groups[g];
    const int lanes = group.blocks * kBlock;
    std::vector<float> filter(static_cast<std::size_t>(in_per_group) * taps);
    for (int lane = 0; lane < lanes; ++lane) {
      const int o = group.first_block * kBlock + lane;
      if (o >= out_channels) break;
      conv.weight.read(static_cast<std::int64_t>(o) * in_per_group * taps, filter);
      if (!scale.empty()) {
        for (float& w : filter) w = static_cast<float>(w * scale[static_cast<std::size_t>(o)]);
      }
      const int first_in = o / out_per_group * in_per_group - group.in_begin * in_block;
      for (int i = 0; i < in_per_group; ++i) {
        const int block = (first_in + i) / in_block, in_lane = (first_in + i) % in_block;
        float* to = packed->weights.data() + group.weights +
                    (static_cast<std::ptrdiff_t>(block) * taps * in_block + in_lane) * lanes + lane;
        for (int t = 0; t < taps; ++t)
          to[static_cast<std::ptrdiff_t>(t) * in_block * lanes] =
              filter[static_cast<std::size_t>(i) * taps + t];
      }
    }
  }
  return packed;
}

std::shared_ptr<const PackedWeights> pack_linear(const Node& node, const kernels::Extent& from,
                                                 int tile_blocks, int threads) {
  const auto& linear = std::get<op::Linear>(node.op);
  const int out_channels = static_cast<int>(linear.weight.shape()[0]);
  const std::int64_t columns = linear.weight.shape()[1];
  const int area = from.h * from.w;
  const int in_blocks = from.blocks() * area;

  auto packed = std::make_shared<PackedWeights>();
  packed->groups = out_groups(out_channels, in_blocks * kBlock, 1, false, 1, tile_blocks);
  packed->bias = pack_bias(linear.bias, out_channels, {}, {});
  packed->weights = Tensor({packed_floats(packed->groups, 1, kBlock)});

#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::size_t g = 0; g < packed->groups.size(); ++g) {
    const OutGroup& group = packed->groups[g];
    const int lanes = group.blocks * kBlock;
    std::vector<float> row(static_cast<std::size_t>(columns));
    for (int lane = 0; lane < lanes; ++lane) {
      const int o = group.first_block * kBlock + lane;
      if (o >= out_channels) break;
      linear.weight.read(o * columns, row);
      // Columns are (channel, pixel); features come as (block, pixel, lane of the block).
      float* to = packed->weights.data() + group.weights + lane;
      const float* value = row.data();
      for (int channel = 0; channel < from.channels; ++channel) {
        for (int pixel = 0; pixel < area; ++pixel) {
          const std::ptrdiff_t feature =
              (static_cast<std::ptrdiff_t>(channel / kBlock) * area + pixel) * kBlock + channel % kBlock;
          to[feature * lanes] = *value++;
        }
      }
    }
  }
  return packed;
}

}  // namespace ablaze::runtime
