#include <algorithm>
#include <cstring>

#include "runtime/execution/step_binding.hpp"

namespace ablaze::runtime {

using kernels::kBlock;

void StepBinding::bind_pool(int threads) {
  const Value& from = value(step_.in);
  const Value& to = value(step_.out);
  pool_.in = in(step_.in);
  pool_.out = out(step_.out);
  pool_.batch = images(to);
  pool_.base = base(step_.base);
  pool_.blocks = to.extent.blocks();
  pool_.in_h = from.extent.h, pool_.in_w = from.extent.w;
  pool_.out_h = to.extent.h, pool_.out_w = to.extent.w;
  pool_.split = kernels::split_work(pool_.batch, pool_.blocks, pool_.out_h, true, threads);
  items_ = kernels::item_count(pool_.split, pool_.batch, pool_.blocks, pool_.out_h);
}

void StepBinding::bind_window_pool(int threads) {
  bind_pool(threads);
  const Geometry& g = step_.geometry;
  pool_.kernel_h = g.kernel_h, pool_.kernel_w = g.kernel_w;
  pool_.stride_h = g.stride_h, pool_.stride_w = g.stride_w;
  pool_.padding_h = g.padding_h, pool_.padding_w = g.padding_w;
  pool_.padding_below = g.padding_below, pool_.padding_right = g.padding_right;
  pool_.dilation_h = g.dilation_h, pool_.dilation_w = g.dilation_w;
  pool_.count_include_pad = step_.count_include_pad;
}

void StepBinding::bind_elementwise(int threads) {
  const Value& to = value(step_.out);
  elementwise_.in = in(step_.in);
  elementwise_.other = in(step_.other);
  elementwise_.out = out(step_.out);
  elementwise_.before_relu = out(step_.before_relu);
  elementwise_.relu = step_.relu;
  elementwise_.curve = step_.curve;
  if (step_.affine != nullptr) {
    elementwise_.scale = step_.affine->scale.data();
    elementwise_.shift = program_.is_delta ? nullptr : step_.affine->shift.data();
  }
  elementwise_.base = base(step_.base);
  const bool flat = to.layout == Layout::features;
  elementwise_.batch = flat ? 1 : images(to);
  elementwise_.blocks = to.blocks();
  elementwise_.h = flat ? 1 : to.extent.h;
  elementwise_.w = flat ? images(to) : to.extent.w;
  kernels::Elementwise& e = elementwise_;
  e.split = kernels::split_work(e.batch, e.blocks, e.h, true, threads);
  items_ = kernels::item_count(e.split, e.batch, e.blocks, e.h);
}

void StepBinding::bind_product(int threads) {
  const bool sums = step_.kind == Step::Kind::product_sum;
  const Value& whole = value(sums ? step_.in : step_.out);
  // A factor of one pixel applies to every pixel of the plane.
  const auto shared = [&](auto place, ValueId id) {
    const bool flat = id == kNone || value(id).layout == Layout::features;
    if (!flat && value(id).extent.h * value(id).extent.w == 1 && whole.extent.h * whole.extent.w > 1)
      place.row = 0, place.pixel = 0;
    return place;
  };
  kernels::Product& p = product_;
  p.a = shared(in(step_.in), step_.in);
  p.out = out(step_.out);
  if (program_.is_gradient) {
    const kernels::Base factor = shared(base(step_.base), step_.base);
    p.b = {factor.data, factor.batch, factor.block, factor.row, factor.pixel};
  } else {
    p.b = shared(in(step_.other), step_.other);
    p.base_a = shared(base(step_.base), step_.base);
    p.base_b = shared(base(step_.other_base), step_.other_base);
  }
  const bool flat = whole.layout == Layout::features;
  p.batch = flat ? 1 : images(whole);
  p.blocks = whole.blocks();
  p.h = flat ? 1 : whole.extent.h;
  p.w = flat ? images(whole) : whole.extent.w;
  p.split = kernels::split_work(p.batch, p.blocks, p.h, true, threads);
  items_ = sums ? p.batch * p.blocks : kernels::item_count(p.split, p.batch, p.blocks, p.h);
}

void StepBinding::spread(int item) const {
  const float* from = read_view(value(step_.in), memory_).data + item * value(step_.in).block();
  float* to = write_view(value(step_.out), memory_).data + item * value(step_.out).block();
  for (int n = 0; n < value(step_.out).extent.batch; ++n)
    std::memcpy(to + n * kBlock, from, kBlock * sizeof(float));
}

void StepBinding::scatter(int item) const {
  const Value& state = value(step_.out);
  const kernels::Input from = in(step_.in);
  const kernels::Output to = out(step_.out);
  const int image = item / state.extent.blocks(), block = item % state.extent.blocks();
  const bool flat = state.layout == Layout::features;
  const std::ptrdiff_t pixel = flat ? state.block() : kBlock;
  const std::ptrdiff_t row = flat ? pixel * state.extent.w : to.row;
  float* first = to.data + (flat ? std::ptrdiff_t{image} * kBlock + block * row * state.extent.h
                                 : image * to.batch + block * to.block);
  const auto for_each_pixel = [&](auto&& visit) {
    for (int y = 0; y < state.extent.h; ++y) {
      for (int x = 0; x < state.extent.w; ++x) visit(first + y * row + x * pixel, y, x);
    }
  };
  for_each_pixel([](float* p, int, int) { std::fill_n(p, kBlock, 0.0F); });
  for (int at = deltas_.members.first[image]; at < deltas_.members.first[image + 1]; ++at) {
    const int channel = deltas_.members.index[at];
    if (channel / kBlock != block) continue;
    const float* plane = from.data + channel * from.block;
    for_each_pixel([&](float* p, int y, int x) { p[channel % kBlock] = plane[y * from.row + x]; });
  }
}

}  // namespace ablaze::runtime
