#include "runtime/execution/gathered_convolution.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

namespace ablaze::runtime {

using kernels::kBlock;

/// An output pixel, the locations of its taps, and its gathered columns.
struct GatheredConvolution::Pixel {
  int y = 0, x = 0;  // in the output
  const kernels::Conv& conv;
  const Value& state;
  std::uint16_t* marks = nullptr;
  float* gathered = nullptr;
  std::ptrdiff_t columns = 0;  // live columns, rounded up to whole blocks

  int taps() const { return conv.kernel_h * conv.kernel_w; }
  bool inside(int tap) const {
    const int row = input_y(tap), column = input_x(tap);
    return row >= 0 && row < state.extent.h && column >= 0 && column < state.extent.w;
  }
  /// The first block of the first image at a tap.
  const float* at(int tap) const {
    return conv.in.data + input_y(tap) * conv.in.row + std::ptrdiff_t{input_x(tap)} * kBlock;
  }

 private:
  int input_y(int tap) const {
    return y * conv.stride_h - conv.padding_h + tap / conv.kernel_w * conv.dilation_h;
  }
  int input_x(int tap) const {
    return x * conv.stride_w - conv.padding_w + tap % conv.kernel_w * conv.dilation_w;
  }
};

namespace {

/// Marks the channels of 16 that are nonzero in some image.
std::uint16_t changed_lanes(const float* first, std::ptrdiff_t batch, int images) {
  std::array<std::uint32_t, kBlock> seen{};
  for (int n = 0; n < images; ++n) {
    std::array<std::uint32_t, kBlock> bits;
    std::memcpy(bits.data(), first + n * batch, sizeof bits);
    for (std::size_t lane = 0; lane < bits.size(); ++lane) seen[lane] |= bits[lane];
  }
  unsigned marks = 0;
  for (std::size_t lane = 0; lane < seen.size(); ++lane)
    marks |= static_cast<unsigned>((seen[lane] << 1) != 0) << lane;  // -0 is zero
  return static_cast<std::uint16_t>(marks);
}

/// Copies of a constant size, which the compiler inlines; a call per copy would double the cost.
void copy_lanes(float* to, const float* from, int blocks) {
  for (int block = 0; block < blocks; ++block)
    std::memcpy(to + block * kBlock, from + block * kBlock, kBlock * sizeof(float));
}

std::ptrdiff_t whole_blocks(std::ptrdiff_t count) { return (count + kBlock - 1) / kBlock * kBlock; }

}  // namespace

GatheredConvolution::Sizes GatheredConvolution::sizes(const Value& state, int taps, int batch,
                                                      int tile_blocks) {
  constexpr std::ptrdiff_t cache_floats = 96 << 10;  // of a core's cache, without weights and sums
  Sizes size;
  size.columns = std::ptrdiff_t{state.blocks()} * kBlock * taps;
  size.pixels = static_cast<int>(std::clamp<std::ptrdiff_t>(cache_floats / (size.columns * batch), 1, 4));
  size.marks = std::ptrdiff_t{size.pixels} * state.blocks() * taps;
  const std::ptrdiff_t lanes = std::ptrdiff_t{tile_blocks} * kBlock;
  size.floats = size.pixels * (size.columns + lanes) * batch + size.columns * lanes;
  return size;
}

void GatheredConvolution::multiply(const kernels::KernelTable& table, int item) const {
  const int y = item / strips(), first = item % strips() * size.pixels;
  const int count = std::min(size.pixels, conv.out_w - first);
  std::vector<Pixel> pixels;
  for (int i = 0; i < count; ++i) {
    pixels.push_back({y, first + i, conv, state, marks + i * (size.marks / size.pixels),
                      scratch + i * size.columns * conv.batch});
    mark(pixels.back());
  }
  for (const Pixel& pixel : pixels) gather_state(pixel);
  float* weights = scratch + size.pixels * size.columns * conv.batch;
  const std::ptrdiff_t lanes = std::ptrdiff_t{table.out_blocks_per_tile} * kBlock;
  float* sums = weights + size.columns * lanes;
  kernels::Conv part;
  part.out_h = 1, part.out_w = conv.batch;
  part.in.block = part.out.block = std::ptrdiff_t{conv.batch} * kBlock;
  part.weights = weights;
  part.group_count = 1;
  for (int g = 0; g < conv.group_count; ++g) {
    const kernels::OutGroup& group = conv.groups[g];
    for (int i = 0; i < count; ++i) {
      const Pixel& pixel = pixels[i];
      gather_weights(pixel, group, weights);
      const kernels::OutGroup alone{0, group.blocks, 0, static_cast<int>(pixel.columns / kBlock), 0};
      part.in.data = pixel.gathered;
      part.out.data = sums + i * lanes * conv.batch;
      part.groups = &alone;
      if (pixel.columns > 0) {
        table.linear(part, 0);
      } else {
        std::fill_n(part.out.data, part.out.block * group.blocks, 0.0F);
      }
    }
    for (int b = 0; b < group.blocks; ++b) {
      for (int i = 0; i < count; ++i)
        finish(table, pixels[i], group.first_block + b, sums + i * lanes * conv.batch + b * part.out.block);
    }
  }
  for (const Pixel& pixel : pixels) clear_border(pixel);
}

void GatheredConvolution::mark(Pixel& pixel) const {
  for (int tap = 0; tap < pixel.taps(); ++tap) {
    for (int block = 0; block < state.blocks(); ++block) {
      std::uint16_t& here = pixel.marks[tap * state.blocks() + block];
      here = pixel.inside(tap)
                 ? changed_lanes(pixel.at(tap) + block * conv.in.block, conv.in.batch, conv.batch)
                 : std::uint16_t{0};
      pixel.columns += std::popcount(here);
    }
  }
  pixel.columns = whole_blocks(pixel.columns);
}

/// [live columns / 16][images][16], zeros behind the last column.
void GatheredConvolution::gather_state(const Pixel& pixel) const {
  const std::ptrdiff_t block_floats = std::ptrdiff_t{conv.batch} * kBlock;
  std::ptrdiff_t place = 0;
  for (int tap = 0; tap < pixel.taps(); ++tap) {
    for (int block = 0; block < state.blocks(); ++block) {
      std::array<std::ptrdiff_t, kBlock> to{};
      std::array<int, kBlock> lane{};
      std::size_t count = 0;
      for (unsigned left = pixel.marks[tap * state.blocks() + block]; left != 0; left &= left - 1, ++place) {
        to[count] = place / kBlock * block_floats + place % kBlock;
        lane[count++] = std::countr_zero(left);
      }
      if (count == 0) continue;
      const float* from = pixel.at(tap) + block * conv.in.block;
      for (int n = 0; n < conv.batch; ++n, from += conv.in.batch) {
        float* image = pixel.gathered + std::ptrdiff_t{n} * kBlock;
        for (std::size_t i = 0; i < count; ++i) image[to[i]] = from[lane[i]];
      }
    }
  }
  for (; place % kBlock != 0; ++place) {
    float* column = pixel.gathered + place / kBlock * block_floats + place % kBlock;
    for (int n = 0; n < conv.batch; ++n) column[std::ptrdiff_t{n} * kBlock] = 0;
  }
}

/// [live columns, whole blocks][lanes of the group]
void GatheredConvolution::gather_weights(const Pixel& pixel, const kernels::OutGroup& group,
                                         float* to) const {
  const std::ptrdiff_t lanes = std::ptrdiff_t{group.blocks} * kBlock;
  const float* weights = conv.weights + group.weights;
  std::ptrdiff_t place = 0;
  for (int tap = 0; tap < pixel.taps(); ++tap) {
    for (int block = 0; block < state.blocks(); ++block) {
      const float* from = weights + (std::ptrdiff_t{block} * pixel.taps() + tap) * kBlock * lanes;
      for (unsigned left = pixel.marks[tap * state.blocks() + block]; left != 0; left &= left - 1, ++place)
        copy_lanes(to + place * lanes, from + std::countr_zero(left) * lanes, group.blocks);
    }
  }
  std::fill(to + place * lanes, to + whole_blocks(place) * lanes, 0.0F);
}

/// Adds the residual to a block's sums, applies the ReLU and writes the images, which are the rows here.
void GatheredConvolution::finish(const kernels::KernelTable& table, const Pixel& pixel, int block,
                                 const float* sums) const {
  const auto at = [&](const auto& view) {
    return view.data + block * view.block + pixel.y * view.row + std::ptrdiff_t{pixel.x} * kBlock;
  };
  kernels::Elementwise e;
  e.in = {sums, 0, 0, kBlock};
  if (conv.residual.data != nullptr) e.other = {at(conv.residual), 0, 0, conv.residual.batch};
  e.out = {at(conv.out), 0, 0, conv.out.batch, 0, 0};
  if (conv.base.data != nullptr) e.base = {at(conv.base), 0, 0, kBlock};
  e.relu = conv.relu;
  e.blocks = e.w = 1;
  e.h = e.split.rows = conv.batch;
  table.elementwise(e, 0);
}

/// Clears the output's border next to a pixel: left and right of its row, above and below the plane.
void GatheredConvolution::clear_border(const Pixel& pixel) const {
  const kernels::Output& out = conv.out;
  const bool left = pixel.x == 0, right = pixel.x == conv.out_w - 1;
  if (out.border_x + out.border_y == 0 || !(left || right)) return;
  const std::ptrdiff_t side = std::ptrdiff_t{out.border_x} * kBlock;
  for (int n = 0; n < conv.batch; ++n) {
    for (int g = 0; g < conv.group_count; ++g) {
      for (int b = 0; b < conv.groups[g].blocks; ++b) {
        float* row =
            out.data + n * out.batch + (conv.groups[g].first_block + b) * out.block + pixel.y * out.row;
        if (left) std::fill_n(row - side, side, 0.0F);
        if (right) std::fill_n(row + std::ptrdiff_t{conv.out_w} * kBlock, side, 0.0F);
        if (!left) continue;
        for (int i = 1; pixel.y == 0 && i <= out.border_y; ++i)
          std::fill_n(row - side - i * out.row, out.row, 0.0F);
        for (int i = 1; pixel.y == conv.out_h - 1 && i <= out.border_y; ++i)
          std::fill_n(row - side + i * out.row, out.row, 0.0F);
      }
    }
  }
}

}  // namespace ablaze::runtime
