#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>

#include "kernels/choice.hpp"
#include "runtime/lowering/packed_weights.hpp"
#include "tensor/memory.hpp"
#include "threads/threads.hpp"

namespace ablaze::runtime {
namespace {

using kernels::kBlock;
using kernels::OutGroup;

int blocks_of(std::int64_t channels) { return static_cast<int>((channels + kBlock - 1) / kBlock); }

/// Splits the output's blocks into tiles. Output channels of a grouped convolution read only the input blocks
/// of their groups.
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
  if (bias) bias.read(0, packed.values().first(channels));
  for (std::size_t o = 0; o < scale.size(); ++o) {
    packed.data()[o] = static_cast<float>(packed.data()[o] * scale[o] + shift[o]);
  }
  return packed;
}

/// The groups of output blocks with the fewest multiplied zeros. The blocks of a tile share their inputs, so
/// that tiles of one block multiply fewer zeros if groups are narrow.
std::vector<OutGroup> fewest_zeros(int out_channels, int in_per_group, int groups, bool planar, int taps,
                                   int tile_blocks) {
  const int in_block = planar ? 1 : kBlock;
  std::vector<OutGroup> wide = out_groups(out_channels, in_per_group, groups, planar, taps, tile_blocks);
  if (groups == 1 || tile_blocks == 1) return wide;
  std::vector<OutGroup> single = out_groups(out_channels, in_per_group, groups, planar, taps, 1);
  return packed_floats(single, taps, in_block) < packed_floats(wide, taps, in_block) ? single : wide;
}

}  // namespace

Halves::Halves(std::int64_t count)
    : size_(count),
      data_(static_cast<std::uint16_t*>(
          allocate_numbers(static_cast<std::size_t>(count) * sizeof(std::uint16_t)))) {}

void Halves::Free::operator()(std::uint16_t* p) const noexcept { free_numbers(p); }

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

namespace {

/// For narrow_conv: [output block][kh][inputs of a group][kw][16].
std::shared_ptr<const PackedWeights> pack_narrow(const op::Conv2d& conv, std::span<const double> scale,
                                                 std::span<const double> shift, const Execution& execution) {
  const Shape& shape = conv.weight.shape();
  const int out_channels = static_cast<int>(shape[0]), inputs = static_cast<int>(shape[1]);
  const int height = static_cast<int>(shape[2]), width = static_cast<int>(shape[3]);
  const std::ptrdiff_t filter_floats = static_cast<std::ptrdiff_t>(inputs) * height * width;
  const int blocks = blocks_of(out_channels);

  auto packed = std::make_shared<PackedWeights>();
  packed->group_inputs = inputs;
  packed->group_outputs = out_channels / conv.groups;
  packed->bias = pack_bias(conv.bias, out_channels, scale, shift);
  packed->weights = Tensor({blocks * filter_floats * kBlock});
  for (int block = 0; block < blocks; ++block) {
    const int in = block * kBlock / packed->group_outputs * inputs / kBlock;
    packed->groups.push_back({block, 1, in, in + 1, block * filter_floats * kBlock});
  }

  threads::for_each(execution, out_channels, [&](std::int64_t o) {
    std::vector<float> filter(filter_floats);
    conv.weight.read(o * filter_floats, filter);
    float* to = packed->weights.data() + o / kBlock * filter_floats * kBlock + o % kBlock;
    for (int y = 0; y < height; ++y) {
      for (int i = 0; i < inputs; ++i) {
        for (int x = 0; x < width; ++x, to += kBlock) {
          const std::int64_t at = (std::int64_t{i} * height + y) * width + x;
          const float w = filter[at];
          *to = scale.empty() ? w : static_cast<float>(w * scale[o]);
        }
      }
    }
  });
  return packed;
}

}  // namespace

std::shared_ptr<const PackedWeights> pack_convolution(const Node& node, bool planar, int tile_blocks,
                                                      std::span<const double> scale,
                                                      std::span<const double> shift,
                                                      const Execution& execution) {
  const auto& conv = std::get<op::Conv2d>(node.op);
  const Shape& shape = conv.weight.shape();
  const int out_channels = static_cast<int>(shape[0]), in_per_group = static_cast<int>(shape[1]);
  const int taps = static_cast<int>(shape[2] * shape[3]);
  const int out_per_group = out_channels / conv.groups;
  const int in_block = planar ? 1 : kBlock;

  if (!planar && conv.groups > 1 && kernels::narrow(in_per_group, out_per_group))
    return pack_narrow(conv, scale, shift, execution);
  auto packed = std::make_shared<PackedWeights>();
  packed->form = planar ? PackedWeights::Form::planar : PackedWeights::Form::blocked;
  packed->groups = fewest_zeros(out_channels, in_per_group, conv.groups, planar, taps, tile_blocks);
  packed->bias = pack_bias(conv.bias, out_channels, scale, shift);
  packed->weights = Tensor::uninitialised({packed_floats(packed->groups, taps, in_block)});

  threads::for_each(execution, std::ssize(packed->groups), [&](std::int64_t g) {
    const OutGroup& group = packed->groups[g];
    const int lanes = group.blocks * kBlock;
    const int first_out = group.first_block * kBlock;
    const int rows = std::min(lanes, out_channels - first_out);
    // Per block of input channels, so that the filters stay in the cache during interleaving.
    std::vector<float> filters(static_cast<std::size_t>(rows) * in_block * taps);
    float* to = packed->weights.data() + group.weights;
    for (int block = group.in_begin; block < group.in_end; ++block) {
      std::ranges::fill(filters, 0.0F);  // for unconnected channels
      for (int row = 0; row < rows; ++row) {
        const int o = first_out + row;
        const int first_in = o / out_per_group * in_per_group;
        const int begin = std::max(block * in_block, first_in),
                  end = std::min((block + 1) * in_block, first_in + in_per_group);
        if (begin >= end) continue;
        const std::span<float> filter(
            &filters[(static_cast<std::size_t>(row) * in_block + (begin - block * in_block)) * taps],
            static_cast<std::size_t>(end - begin) * taps);
        conv.weight.read((static_cast<std::int64_t>(o) * in_per_group + begin - first_in) * taps, filter);
        if (scale.empty()) continue;
        for (float& w : filter) w = static_cast<float>(w * scale[o]);
      }
      for (int tap = 0; tap < taps; ++tap) {
        for (int in_lane = 0; in_lane < in_block; ++in_lane, to += lanes) {
          const float* from = &filters[static_cast<std::size_t>(in_lane) * taps + tap];
          for (int row = 0; row < rows; ++row)
            to[row] = from[static_cast<std::ptrdiff_t>(row) * in_block * taps];
          std::fill(to + rows, to + lanes, 0.0F);
        }
      }
    }
  });
  return packed;
}

namespace {

/// G of F(m x m, 3x3): m + 2 rows. See kernels/isa_winograd.hpp for the points.
std::vector<std::array<double, 3>> filter_transform(int side) {
  if (side == 2) return {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};
  const double a = std::sqrt(2.0), b = a / 2;
  return {{1, 0, 0},
          {1. / 6, a / 6, 2. / 6},
          {1. / 6, -a / 6, 2. / 6},
          {-2. / 3, -b / 1.5, -1. / 3},
          {-2. / 3, b / 1.5, -1. / 3},
          {0, 0, 1}};
}

constexpr int kMostLanes = 32;  // of a group of output channels

/// The 3x3 filters of one input channel for a group of output channels, [9][lanes], and their scales.
struct Filters {
  double taps[9][kMostLanes] = {};
  double scale[kMostLanes] = {};
};

/// Computes G g G^T for each lane's filter. rows: of G. to: [taps][lanes], taps tap_stride floats
/// apart.
void transform_filters(std::span<const std::array<double, 3>> rows, const Filters& g, int lanes, float* to,
                       std::ptrdiff_t tap_stride) {
  double half[6][3][kMostLanes];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int lane = 0; lane < lanes; ++lane) {
        half[i][j][lane] = rows[i][0] * g.taps[j][lane] + rows[i][1] * g.taps[3 + j][lane] +
                           rows[i][2] * g.taps[6 + j][lane];
      }
    }
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& row : rows) {
      for (int lane = 0; lane < lanes; ++lane) {
        // NOLINTBEGIN(clang-analyzer-core.UndefinedBinaryOperatorResult): these rows were written above.
        to[lane] = static_cast<float>(g.scale[lane] * (half[i][0][lane] * row[0] + half[i][1][lane] * row[1] +
                                                       half[i][2][lane] * row[2]));
        // NOLINTEND(clang-analyzer-core.UndefinedBinaryOperatorResult)
      }
      to += tap_stride;
    }
  }
}

}  // namespace

std::shared_ptr<const PackedWeights> pack_winograd(const Node& node, int side, int tile_blocks,
                                                   std::span<const double> scale,
                                                   std::span<const double> shift,
                                                   const Execution& execution) {
  const auto& conv = std::get<op::Conv2d>(node.op);
  const int out_channels = static_cast<int>(conv.weight.shape()[0]),
            in_channels = static_cast<int>(conv.weight.shape()[1]);
  auto packed = std::make_shared<PackedWeights>();
  packed->form = PackedWeights::Form::winograd;
  packed->side = side;
  packed->groups = out_groups(out_channels, in_channels, 1, false, 1, tile_blocks);
  packed->bias = pack_bias(conv.bias, out_channels, scale, shift);
  packed->tap_weights = packed_floats(packed->groups, 1, kBlock);
  const int taps = (side + 2) * (side + 2);
  packed->weights = Tensor::uninitialised({taps * packed->tap_weights});
  const std::vector<std::array<double, 3>> rows = filter_transform(side);
  const int in_blocks = blocks_of(in_channels);

  // Narrow layers have one group; splitting by blocks of input channels gives every thread work.
  threads::for_each(execution, std::ssize(packed->groups) * in_blocks, [&](std::int64_t part) {
    const OutGroup& group = packed->groups[part / in_blocks];
    const auto block = static_cast<int>(part % in_blocks);
    const int lanes = group.blocks * kBlock;
    const int outs = std::min(lanes, out_channels - group.first_block * kBlock);
    const int ins = std::min(kBlock, in_channels - block * kBlock);
    std::array<std::array<float, kBlock * 9>, kMostLanes> read{};
    Filters filters;
    for (int lane = 0; lane < outs; ++lane) {
      const std::int64_t o = group.first_block * kBlock + lane;
      conv.weight.read((o * in_channels + block * kBlock) * 9, std::span(read[lane]).first(ins * 9));
      filters.scale[lane] = scale.empty() ? 1 : scale[o];
    }
    float* to = packed->weights.data() + group.weights + std::ptrdiff_t{block} * kBlock * lanes;
    for (int in = 0; in < kBlock; ++in, to += lanes) {
      for (int tap = 0; tap < 9; ++tap) {
        for (int lane = 0; lane < outs; ++lane) filters.taps[tap][lane] = read[lane][in * 9 + tap];
      }
      transform_filters(rows, filters, lanes, to, packed->tap_weights);
    }
  });
  return packed;
}

namespace {

/// Reads a weight's elements from `begin` on, as float32 or as halves.
void read_elements(const Weight& weight, std::int64_t begin, std::span<float> out) {
  weight.read(begin, out);
}
void read_elements(const Weight& halves, std::int64_t begin, std::span<std::uint16_t> out) {
  std::memcpy(out.data(), halves.bytes().data() + begin * std::int64_t{sizeof(std::uint16_t)},
              out.size_bytes());
}

template <class Number>
void pack_rows(const Weight& weight, const kernels::Extent& from, const std::vector<OutGroup>& groups,
               Number* packed, const Execution& execution) {
  const int out_channels = static_cast<int>(weight.shape()[0]);
  const std::int64_t columns = weight.shape()[1];
  const int area = from.h * from.w;
  threads::for_each(execution, std::ssize(groups), [&](std::int64_t g) {
    const OutGroup& group = groups[g];
    const int lanes = group.blocks * kBlock;
    const int first_out = group.first_block * kBlock;
    const int rows = std::min(lanes, out_channels - first_out);
    // The order of columns is (channel, pixel), of features (block, pixel, lane of the block).
    const std::ptrdiff_t block_columns = static_cast<std::ptrdiff_t>(kBlock) * area;
    std::vector<Number> slab(rows * block_columns);
    Number* to = packed + group.weights;
    for (int block = 0; block < from.blocks(); ++block) {
      const int channels = std::min(kBlock, from.channels - block * kBlock);
      for (int row = 0; row < rows; ++row) {
        read_elements(
            weight, (first_out + row) * columns + block * block_columns,
            std::span<Number>(&slab[row * block_columns], static_cast<std::size_t>(channels) * area));
      }
      for (int pixel = 0; pixel < area; ++pixel) {
        for (int lane = 0; lane < kBlock; ++lane, to += lanes) {
          const bool real = lane < channels;
          const Number* value = slab.data() + static_cast<std::ptrdiff_t>(lane) * area + pixel;
          for (int row = 0; row < lanes; ++row)
            to[row] = real && row < rows ? value[row * block_columns] : Number{0};
        }
      }
    }
  });
}

}  // namespace

std::shared_ptr<const PackedWeights> pack_linear(const Node& node, const kernels::Extent& from,
                                                 int tile_blocks, bool keep_half,
                                                 const Execution& execution) {
  const auto& linear = std::get<op::Linear>(node.op);
  const int out_channels = static_cast<int>(linear.weight.shape()[0]);
  const int in_blocks = from.blocks() * from.h * from.w;
  auto packed = std::make_shared<PackedWeights>();
  packed->groups = out_groups(out_channels, in_blocks * kBlock, 1, false, 1, tile_blocks);
  packed->bias = pack_bias(linear.bias, out_channels, {}, {});
  const std::int64_t elements = packed_floats(packed->groups, 1, kBlock);
  if (keep_half && linear.weight.dtype() == DType::f16) {
    packed->halves = Halves(elements);
    pack_rows(linear.weight, from, packed->groups, packed->halves.data(), execution);
  } else {
    packed->weights = Tensor::uninitialised({elements});
    pack_rows(linear.weight, from, packed->groups, packed->weights.data(), execution);
  }
  return packed;
}

std::uint64_t packed_size(const Node& node, PackedWeights::Form form, int side, const kernels::Extent& from,
                          int tile_blocks) {
  std::vector<OutGroup> groups;
  std::int64_t floats = 0;
  if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) {
    const Shape& shape = conv->weight.shape();
    const bool planar = form == PackedWeights::Form::planar;
    const int taps = form == PackedWeights::Form::winograd ? 1 : static_cast<int>(shape[2] * shape[3]);
    groups = fewest_zeros(static_cast<int>(shape[0]), static_cast<int>(shape[1]), conv->groups, planar, taps,
                          tile_blocks);
    floats = packed_floats(groups, taps, planar ? 1 : kBlock);
    if (form == PackedWeights::Form::winograd) floats *= (side + 2) * (side + 2);
  } else {
    const Shape& shape = std::get<op::Linear>(node.op).weight.shape();
    groups = out_groups(static_cast<int>(shape[0]), from.blocks() * from.h * from.w * kBlock, 1, false, 1,
                        tile_blocks);
    floats = packed_floats(groups, 1, kBlock);
  }
  const int out_blocks = groups.back().first_block + groups.back().blocks;
  return static_cast<std::uint64_t>(floats + std::int64_t{out_blocks} * kBlock) * sizeof(float);
}

}  // namespace ablaze::runtime
