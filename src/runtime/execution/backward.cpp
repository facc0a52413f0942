#include "runtime/execution/step_binding.hpp"

// Steps that only gradient programs have.

namespace ablaze::runtime {

using kernels::kBlock;

namespace {

/// Whether a group of outputs has a nonzero gradient in some image.
bool lives(const kernels::Input& gradient, const kernels::OutGroup& group, int images) {
  for (int b = 0; b < group.blocks; ++b) {
    const float* from = gradient.data + (group.first_block + b) * gradient.block;
    for (int i = 0; i < images * kBlock; ++i) {
      if (from[i] != 0) return true;
    }
  }
  return false;
}

}  // namespace

void StepBinding::bind_pool_backward() {
  const Value& from = value(step_.in);
  const Value& to = value(step_.out);
  kernels::PoolBackward& p = pool_backward_;
  p.in = in(step_.in);
  p.out = out(step_.out);
  p.base = base(step_.base);
  p.base.gates = step_.relu;
  p.batch = to.extent.batch;
  p.blocks = to.extent.blocks();
  p.in_h = from.extent.h, p.in_w = from.extent.w;
  p.out_h = to.extent.h, p.out_w = to.extent.w;
  const Geometry& g = step_.geometry;
  p.kernel_h = g.kernel_h, p.kernel_w = g.kernel_w;
  p.stride_h = g.stride_h, p.stride_w = g.stride_w;
  p.padding_h = g.padding_h, p.padding_w = g.padding_w;
  p.padding_below = g.padding_below, p.padding_right = g.padding_right;
  p.dilation_h = g.dilation_h, p.dilation_w = g.dilation_w;
  p.count_include_pad = step_.count_include_pad;
  items_ = p.batch * p.blocks;
}

void StepBinding::bind_linear_backward() {
  const Value& to = value(step_.out);
  kernels::LinearBackward& l = linear_backward_;
  l.in = in(step_.in);
  l.out = out(step_.out);
  l.base = base(step_.base);
  l.batch = to.extent.batch;
  l.weights = step_.packed->weights.data();
  live_groups_.reserve(step_.packed->groups.size());
  l.blocks = to.blocks();
  items_ = (l.blocks + kernels::kBackwardBlocks - 1) / kernels::kBackwardBlocks;
}

/// Most classes, and outputs with a closed ReLU, have no gradient; their weights are not read.
void StepBinding::find_live_groups() {
  kernels::LinearBackward& l = linear_backward_;
  live_groups_.clear();
  for (const kernels::OutGroup& group : step_.packed->groups) {
    if (lives(l.in, group, l.batch)) live_groups_.push_back(group);
  }
  l.groups = live_groups_.data();
  l.group_count = static_cast<int>(live_groups_.size());
}

}  // namespace ablaze::runtime
