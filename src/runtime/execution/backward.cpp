#include "runtime/execution/binding.hpp"

// Steps of a gradient program that no forward program has.

namespace ablaze::runtime {

using kernels::kBlock;

namespace {

template <class Op>
void set_window(kernels::PoolBackward& pool, const Op& op) {
  pool.kernel_h = op.kernel[0], pool.kernel_w = op.kernel[1];
  pool.stride_h = op.stride[0], pool.stride_w = op.stride[1];
  pool.padding_h = op.padding[0], pool.padding_w = op.padding[1];
}

/// Whether some image has a gradient in a group of outputs.
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

void StepBinding::bind_pool_backward(const Node& node) {
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
  if (const auto* pool = std::get_if<op::MaxPool2d>(&node.op)) {
    set_window(p, *pool);
    p.dilation_h = pool->dilation[0], p.dilation_w = pool->dilation[1];
  }
  if (const auto* pool = std::get_if<op::AvgPool2d>(&node.op)) {
    set_window(p, *pool);
    p.count_include_pad = pool->count_include_pad;
  }
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

void StepBinding::run_linear_backward(const kernels::KernelTable& table, int item) {
  kernels::LinearBackward& l = linear_backward_;
  // Most classes have no gradient, and neither have outputs whose ReLU is closed: their weights stay unread.
  // This is looked for with an item in hand: before, a thread that is late would read what later steps have
  // written.
  if (l.groups == nullptr) {
    for (const kernels::OutGroup& group : step_.packed->groups) {
      if (lives(l.in, group, l.batch)) live_groups_.push_back(group);
    }
    l.groups = live_groups_.data();
    l.group_count = static_cast<int>(live_groups_.size());
  }
  table.linear_backward(l, item);
}

}  // namespace ablaze::runtime
