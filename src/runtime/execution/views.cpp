#include "runtime/execution/views.hpp"

#include <algorithm>

#include "threads/threads.hpp"

namespace ablaze::runtime {

using kernels::kBlock;

namespace {

const float* arena_of(const Value& value, const Memory& memory) {
  if (value.arena == Arena::first) return memory.first;
  return value.arena == Arena::trace ? memory.trace : memory.own;
}

}  // namespace

int write_items(const Value& value) {
  switch (value.layout) {
    case Layout::planar:
      return value.extent.batch * value.extent.channels;
    case Layout::blocked:
      return value.extent.batch * value.extent.blocks();
    default:
      return value.extent.blocks();
  }
}

void write_item(const Value& value, const Memory& memory, const float* from, int item) {
  const kernels::Output to = write_view(value, memory);
  switch (value.layout) {
    case Layout::planar:
      return kernels::to_planar(from, value.extent, to, item);
    case Layout::blocked:
      return kernels::to_blocked(from, value.extent, to, item);
    default:
      return kernels::rows_to_features(from, value.extent, to.data, item);
  }
}

kernels::Input read_view(const Value& value, const Memory& memory) {
  const float* base = arena_of(value, memory) + value.offset + value.origin();
  // All images of a tail's batch read the same image.
  const bool repeats = value.arena != Arena::own && value.extent.batch == 1;
  return {base, repeats ? 0 : value.batch(), value.block(), value.row()};
}

kernels::Base base_view(const Value& value, const Memory& memory, int image) {
  const float* data = arena_of(value, memory) + value.offset + value.origin();
  if (value.layout == Layout::features) return {data + std::ptrdiff_t{image} * kBlock, value.block(), 0, 0};
  return {data + image * value.batch(), value.block(), value.row(), kBlock};
}

kernels::Output write_view(const Value& value, const Memory& memory) {
  return {memory.own + value.offset + value.origin(),
          value.batch(),
          value.block(),
          value.row(),
          value.border_y,
          value.border_x};
}

void write_value(const Value& value, const Memory& memory, const float* from) {
  for (int item = 0; item < write_items(value); ++item) write_item(value, memory, from, item);
}

namespace {

void read_item(const Value& value, const kernels::Input& from, float* to, int item) {
  if (value.layout == Layout::features) {
    kernels::from_features(from.data, value.extent, to, item);
  } else {
    kernels::from_blocked(from, value.extent, to, item);
  }
}

int read_items(const Value& value) {
  const bool flat = value.layout == Layout::features;
  return flat ? value.extent.blocks() : value.extent.batch * value.extent.blocks();
}

}  // namespace

void read_value(const Value& value, const Memory& memory, float* to) {
  const kernels::Input from = read_view(value, memory);
  for (int item = 0; item < read_items(value); ++item) read_item(value, from, to, item);
}

void read_value(const Value& value, const Memory& memory, float* to, const Execution& execution) {
  const kernels::Input from = read_view(value, memory);
  const int items = read_items(value);
  constexpr int pieces = 8;  // per thread
  threads::for_each(
      execution, items, [&](std::int64_t item) { read_item(value, from, to, static_cast<int>(item)); },
      std::max(1, items / (pieces * std::max(1, execution.threads))));
}

}  // namespace ablaze::runtime
