#include "runtime/execution/gathered_linear.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace ablaze::runtime {

using kernels::kBlock;

void GatheredLinear::mark(int block) const {
  const float* from = conv.in.data + block * conv.in.block;
  unsigned marks = 0;
  for (int n = 0; n < deltas.images; ++n) {
    for (int lane = 0; lane < kBlock; ++lane)
      marks |= static_cast<unsigned>(from[n * kBlock + lane] != 0) << lane;
  }
  columns[block] = static_cast<std::uint16_t>(marks);
}

/// At least one (of zeros if no column is marked), so that the outputs are written.
int GatheredLinear::blocks() const {
  int count = 0;
  for (int block = 0; block < state.blocks(); ++block) count += std::popcount(columns[block]);
  return std::max(1, (count + kBlock - 1) / kBlock);
}

/// Calls visit(index, column) for the marked columns with indices from `begin` to `end`.
template <class Visit>
void GatheredLinear::for_each_marked(int begin, int end, Visit visit) const {
  int place = 0;
  for (int block = 0; block < state.blocks() && place < end; ++block) {
    const int here = std::popcount(columns[block]);
    if (place + here <= begin) {
      place += here;
      continue;
    }
    for (unsigned marks = columns[block]; marks != 0; marks &= marks - 1, ++place) {
      if (place >= begin && place < end) visit(place, block * kBlock + std::countr_zero(marks));
    }
  }
}

void GatheredLinear::gather(int item) const {
  float* to = scratch + item * state.block();
  std::fill_n(to, std::ptrdiff_t{deltas.images} * kBlock, 0.0F);
  for_each_marked(item * kBlock, (item + 1) * kBlock, [&](int place, int column) {
    const float* from = conv.in.data + column / kBlock * state.block() + column % kBlock;
    for (int n = 0; n < deltas.images; ++n) to[n * kBlock + place % kBlock] = from[n * kBlock];
  });
}

void GatheredLinear::multiply(const kernels::KernelTable& table, int item, int thread) const {
  kernels::OutGroup group = conv.groups[item];
  const int lanes = group.blocks * kBlock, blocks = this->blocks();
  const std::ptrdiff_t state_floats = state.block() * state.blocks();
  const std::ptrdiff_t most = std::ptrdiff_t{state.blocks()} * kBlock * table.out_blocks_per_tile * kBlock;
  float* weights = scratch + state_floats + thread * most;
  const float* from = conv.weights + group.weights;
  std::fill_n(weights, std::ptrdiff_t{blocks} * kBlock * lanes, 0.0F);
  for_each_marked(0, blocks * kBlock, [&](int place, int column) {
    std::memcpy(weights + std::ptrdiff_t{place} * lanes, from + std::ptrdiff_t{column} * lanes,
                static_cast<std::size_t>(lanes) * sizeof(float));
  });
  kernels::Conv part = conv;
  group.in_begin = 0, group.in_end = blocks;
  group.weights = 0;
  part.in.data = scratch;
  part.weights = weights;
  part.groups = &group;
  part.group_count = 1;
  table.linear(part, 0);
}

}  // namespace ablaze::runtime
