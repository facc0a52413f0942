#include <algorithm>

#include "runtime/execution/binding.hpp"

namespace ablaze::runtime {

using kernels::kBlock;

void StepBinding::bind_convolution(const Node& node, int threads) {
  const Value& result = value(step_.out);
  conv_.in = in(step_.in);
  conv_.planar = value(step_.in).layout == Layout::planar;
  conv_.residual = in(step_.other);
  conv_.out = out(step_.out);
  conv_.before_relu = out(step_.before_relu);
  conv_.weights = step_.packed->weights.data();
  conv_.half_weights = step_.packed->halves.data();
  conv_.bias = program_.changes ? nullptr : step_.packed->bias.data();
  conv_.base = base();
  if (value(step_.in).home == Home::planes) conv_.members = changes_.members;
  conv_.groups = step_.packed->groups.data();
  conv_.group_count = static_cast<int>(step_.packed->groups.size());
  conv_.group_inputs = step_.packed->group_inputs;
  conv_.group_outputs = step_.packed->group_outputs;
  conv_.relu = step_.relu;
  if (const auto* c = std::get_if<op::Conv2d>(&node.op)) {
    conv_.batch = images(result);
    conv_.out_h = result.extent.h;
    conv_.out_w = result.extent.w;
    conv_.kernel_h = static_cast<int>(c->weight.shape()[2]);
    conv_.kernel_w = static_cast<int>(c->weight.shape()[3]);
    conv_.stride_h = c->stride[0], conv_.stride_w = c->stride[1];
    conv_.padding_h = c->padding[0], conv_.padding_w = c->padding[1];
    conv_.dilation_h = c->dilation[0], conv_.dilation_w = c->dilation[1];
  } else {  // linear: the images of the batch are the pixels of one row
    conv_.out_h = 1;
    conv_.out_w = images(result);
  }
  // A thread that computes a region of the picture reads all weights, one that computes some channels reads
  // the whole picture, most of which another core wrote: the lesser of the two is shared.
  const bool by_rows = value(step_.in).floats() > step_.packed->weights.size();
  conv_.split = kernels::split_work(conv_.batch, conv_.group_count, conv_.out_h, by_rows, threads);
  items_ = kernels::item_count(conv_.split, conv_.batch, conv_.group_count, conv_.out_h);
}

void StepBinding::run_convolution(const kernels::KernelTable& table, int item) const {
  if (value(step_.out).layout == Layout::features) return table.linear(conv_, item);
  if (conv_.group_inputs > 0) return table.narrow_conv(conv_, item);
  table.conv(conv_, item);
}

void StepBinding::bind_winograd(const Node& node, int threads) {
  bind_convolution(node, threads);
  const Value& from = value(step_.in);
  winograd_.conv = conv_;
  winograd_.tap_weights = step_.packed->tap_weights;
  static constexpr float zeros[64] = {};
  winograd_.zeros = zeros;
  winograd_.in_blocks = from.blocks();
  winograd_.out_blocks = value(step_.out).blocks();
  winograd_.in_h = from.extent.h, winograd_.in_w = from.extent.w;
  winograd_.pool = step_.pool;
  winograd_.conv.out_h = from.extent.h + 2 * conv_.padding_h - 2;
  winograd_.conv.out_w = from.extent.w + 2 * conv_.padding_w - 2;
  const int side = winograd_.side = step_.choice.side;
  winograd_.taps = (side + 2) * (side + 2);
  winograd_.tiles_h = (winograd_.conv.out_h + side - 1) / side;
  winograd_.tiles_w = (winograd_.conv.out_w + side - 1) / side;
  winograd_.tiles = conv_.batch * winograd_.tiles_h * winograd_.tiles_w;
  if (step_.choice.block_tiles > 0) {
    winograd_.tile_stride = step_.choice.block_tiles;
    items_ = (winograd_.tiles + winograd_.tile_stride - 1) / winograd_.tile_stride;
  } else {
    winograd_.tile_stride = chunk_stride(step_.choice, winograd_.tiles);
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
  linear_.images = changes_.images_of;
  linear_.batch = changes_.images;
  linear_.weights = step_.packed->weights.data();
  linear_.groups = step_.packed->groups.data();
  linear_.group_count = static_cast<int>(step_.packed->groups.size());
  linear_.base = base();
  linear_.relu = step_.relu;
  linear_.out = out(step_.out);
  items_ = linear_.group_count;
}

}  // namespace ablaze::runtime
