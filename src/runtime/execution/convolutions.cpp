#include <algorithm>

#include "runtime/execution/step_binding.hpp"

namespace ablaze::runtime {

using kernels::kBlock;

namespace {

/// The view of some pixels of a plane.
template <class Place>
Place at_pixels(Place place, const Pixels& pixels) {
  if (place.data == nullptr) return place;
  place.data += pixels.first_y * place.row + pixels.first_x * static_cast<std::ptrdiff_t>(place.pixel);
  place.row *= pixels.step_y;
  place.pixel *= pixels.step_x;
  return place;
}

int count_from(int first, int step, int extent) { return (extent - first + step - 1) / step; }

}  // namespace

void StepBinding::bind_convolution(int threads) {
  const Value& result = value(step_.out);
  conv_.in = in(step_.in);
  conv_.planar = value(step_.in).layout == Layout::planar;
  conv_.residual = in(step_.other);
  conv_.out = out(step_.out);
  conv_.before_relu = out(step_.before_relu);
  conv_.weights = step_.packed->weights.data();
  conv_.half_weights = step_.packed->halves.data();
  conv_.bias = program_.is_delta ? nullptr : step_.packed->bias.data();
  conv_.base = base(step_.base);
  if (value(step_.in).arena == Arena::planes) conv_.members = deltas_.members;
  conv_.groups = step_.packed->groups.data();
  conv_.group_count = static_cast<int>(step_.packed->groups.size());
  conv_.group_inputs = step_.packed->group_inputs;
  conv_.group_outputs = step_.packed->group_outputs;
  conv_.relu = step_.relu;
  conv_.curve = step_.curve;
  if (result.layout != Layout::features) {
    const Geometry& g = step_.geometry;
    conv_.batch = images(result);
    conv_.out_h = count_from(step_.pixels.first_y, step_.pixels.step_y, result.extent.h);
    conv_.out_w = count_from(step_.pixels.first_x, step_.pixels.step_x, result.extent.w);
    conv_.kernel_h = g.kernel_h, conv_.kernel_w = g.kernel_w;
    conv_.stride_h = g.stride_h, conv_.stride_w = g.stride_w;
    conv_.padding_h = g.padding_h, conv_.padding_w = g.padding_w;
    conv_.dilation_h = g.dilation_h, conv_.dilation_w = g.dilation_w;
    if (!step_.pixels.all()) bind_pixels();
  } else {  // linear: the images of the batch are the pixels of one row
    conv_.out_h = 1;
    conv_.out_w = images(result);
  }
  // A thread that computes a region reads all weights; a thread that computes some channels reads the whole
  // input, most of it written by other cores. Threads share the smaller of the two.
  const bool by_rows = value(step_.in).floats() > step_.packed->weights.size();
  const Value& from = value(step_.in);
  const auto bytes = [](std::ptrdiff_t floats) { return floats * std::ptrdiff_t{sizeof(float)}; };
  if (conv_.planar || result.layout == Layout::features || conv_.group_inputs > 0) {
    conv_.split = kernels::split_work(conv_.batch, conv_.group_count, conv_.out_h, by_rows, threads);
  } else {
    conv_.split = kernels::split_work(conv_.batch, conv_.group_count, conv_.out_h, by_rows, threads,
                                      bytes(from.row() * from.blocks() * conv_.stride_h),
                                      bytes(from.block() * from.blocks()));
  }
  items_ = conv_items_ = kernels::item_count(conv_.split, conv_.batch, conv_.group_count, conv_.out_h);
  // If several steps write different pixels of a value, the first one clears its border.
  const bool frames = !step_.pixels.all() && step_.pixels.first_y == 0 && step_.pixels.first_x == 0;
  if (frames) items_ += result.extent.batch * result.extent.blocks();
}

void StepBinding::bind_pixels() {
  conv_.residual = at_pixels(conv_.residual, step_.pixels);
  conv_.base = at_pixels(conv_.base, step_.pixels);
  conv_.out = at_pixels(conv_.out, step_.pixels);
  conv_.out.border_y = conv_.out.border_x = 0;
}

void StepBinding::run_convolution(const kernels::KernelTable& table, int item) const {
  if (item >= conv_items_)
    return kernels::zero_border(out(step_.out), value(step_.out).extent, item - conv_items_);
  if (value(step_.out).layout == Layout::features) return table.linear(conv_, item);
  if (conv_.group_inputs > 0) return table.narrow_conv(conv_, item);
  table.conv(conv_, item);
}

void StepBinding::bind_gathered_convolution(int threads, int tile_blocks) {
  bind_convolution(threads);
  const Value& from = value(step_.in);
  gathered_convolution_ = {conv_, from,
                           GatheredConvolution::sizes(from, conv_.kernel_h * conv_.kernel_w,
                                                      value(step_.out).extent.batch, tile_blocks)};
  items_ = gathered_convolution_.items();
}

void StepBinding::run_gathered_convolution(const kernels::KernelTable& table, int item, int thread) const {
  GatheredConvolution mine = gathered_convolution_;
  mine.marks = deltas_.columns + step_.columns + thread * mine.size.marks;
  mine.scratch = scratch() + thread * mine.size.floats;
  mine.multiply(table, item);
}

void StepBinding::bind_winograd(int threads) {
  bind_convolution(threads);
  const Value& from = value(step_.in);
  winograd_.conv = conv_;
  winograd_.tap_weights = step_.packed->tap_weights;
  static constexpr float zeros[64] = {};
  winograd_.zeros = zeros;
  winograd_.in_blocks = from.blocks();
  winograd_.out_blocks = value(step_.out).blocks();
  winograd_.in_h = from.extent.h, winograd_.in_w = from.extent.w;
  winograd_.pool = step_.pool;
  winograd_.conv.out_h = step_.geometry.outputs_h(from.extent.h);
  winograd_.conv.out_w = step_.geometry.outputs_w(from.extent.w);
  const int side = winograd_.side = step_.choice.side;
  winograd_.taps = (side + 2) * (side + 2);
  winograd_.tiles_h = (winograd_.conv.out_h + side - 1) / side;
  winograd_.tiles_w = (winograd_.conv.out_w + side - 1) / side;
  winograd_.tiles = conv_.batch * winograd_.tiles_h * winograd_.tiles_w;
  if (step_.choice.block_tiles > 0) {
    winograd_.tile_stride = step_.choice.block_tiles;
    items_ = (winograd_.tiles + winograd_.tile_stride - 1) / winograd_.tile_stride;
  } else {
    winograd_.tile_stride = kernels::chunk_stride(step_.choice, winograd_.tiles);
    winograd_.transformed = scratch();
    winograd_.products = winograd_.transformed + std::ptrdiff_t{winograd_.taps} * winograd_.in_blocks *
                                                     winograd_.tile_stride * kBlock;
  }
}

void StepBinding::run_winograd(const kernels::KernelTable& table, int phase, int item, int thread) const {
  if (step_.choice.block_tiles > 0) {
    const std::ptrdiff_t floats = std::ptrdiff_t{winograd_.taps} *
                                  (winograd_.in_blocks + winograd_.out_blocks) * winograd_.tile_stride *
                                  kBlock;
    return table.winograd_block(winograd_, item, scratch() + thread * floats);
  }
  kernels::Winograd chunk = winograd_;
  chunk.first_tile = phase / 3 * step_.choice.chunk_tiles;
  chunk.tiles = std::min(step_.choice.chunk_tiles, winograd_.tiles - chunk.first_tile);
  switch (phase % 3) {
    case 0:
      return table.winograd_input(chunk, item);
    case 1:
      return table.winograd_multiply(chunk, item);
    default:
      return table.winograd_output(chunk, item);
  }
}

void StepBinding::bind_linear_of_planes() {
  const Value& planes = value(step_.in);
  linear_.planes = in(step_.in).data;
  linear_.channels = planes.extent.channels;
  linear_.area = planes.extent.h * planes.extent.w;
  linear_.images = deltas_.images_of;
  linear_.batch = deltas_.images;
  linear_.weights = step_.packed->weights.data();
  linear_.groups = step_.packed->groups.data();
  linear_.group_count = static_cast<int>(step_.packed->groups.size());
  linear_.base = base(step_.base);
  linear_.relu = step_.relu;
  linear_.out = out(step_.out);
  items_ = linear_.group_count;
}

}  // namespace ablaze::runtime
