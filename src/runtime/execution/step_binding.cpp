#include "runtime/execution/step_binding.hpp"

namespace ablaze::runtime {

StepBinding::StepBinding(const Program& program, const Step& step, const Memory& memory,
                         const DeltaInputs& deltas, int threads, Lead lead)
    : program_(program), step_(step), memory_(memory), deltas_(deltas), lead_(lead) {
  switch (step.kind) {
    case Step::Kind::convolution:
      bind_convolution(threads);
      break;
    case Step::Kind::winograd:
      bind_winograd(threads);
      break;
    case Step::Kind::max_pool:
    case Step::Kind::average_pool:
      bind_window_pool(threads);
      break;
    case Step::Kind::adaptive_average_pool:
      bind_pool(threads);
      break;
    case Step::Kind::elementwise:
      bind_elementwise(threads);
      break;
    case Step::Kind::product:
    case Step::Kind::product_sum:
      bind_product(threads);
      break;
    case Step::Kind::to_features:
      items_ = value(step.in).extent.blocks();
      break;
    case Step::Kind::spread:
      items_ = value(step.in).blocks();
      break;
    case Step::Kind::linear_of_planes:
      bind_linear_of_planes();
      break;
    case Step::Kind::gathered_linear:
      bind_convolution(threads);
      gathered_ = {conv_, value(step.in), deltas_, deltas_.columns + step.columns, scratch()};
      break;
    case Step::Kind::gathered_convolution:
      bind_gathered_convolution(threads, step.tile_blocks);
      break;
    case Step::Kind::scatter:
      items_ = deltas_.images * value(step.out).extent.blocks();
      break;
    case Step::Kind::linear_backward:
      bind_linear_backward();
      break;
    case Step::Kind::max_pool_backward:
    case Step::Kind::average_pool_backward:
    case Step::Kind::adaptive_average_pool_backward:
      bind_pool_backward();
      break;
    case Step::Kind::to_planes:
      items_ = value(step.in).extent.blocks();
      break;
  }
}

int StepBinding::items(int phase) const {
  if (step_.kind == Step::Kind::gathered_linear) {
    if (phase == 0) return value(step_.in).blocks();
    return phase == 1 ? gathered_.blocks() : items_;
  }
  if (step_.kind == Step::Kind::linear_backward) return phase == 0 ? 1 : items_;
  if (step_.kind != Step::Kind::winograd || step_.choice.block_tiles > 0) return items_;
  if (phase / 3 * step_.choice.chunk_tiles >= winograd_.tiles)
    return 0;  // images beyond the filled part of the batch
  const int stage[3] = {winograd_.in_blocks, winograd_.taps * winograd_.conv.group_count,
                        winograd_.out_blocks};
  return stage[phase % 3];
}

void StepBinding::run(const kernels::KernelTable& table, int phase, int item, int thread) {
  switch (step_.kind) {
    case Step::Kind::convolution:
      return run_convolution(table, item);
    case Step::Kind::winograd:
      return run_winograd(table, phase, item, thread);
    case Step::Kind::max_pool:
      return table.max_pool(pool_, item);
    case Step::Kind::average_pool:
      return table.average_pool(pool_, item);
    case Step::Kind::adaptive_average_pool:
      return table.adaptive_average_pool(pool_, item);
    case Step::Kind::elementwise:
      return table.elementwise(elementwise_, item);
    case Step::Kind::product:
      return table.product(product_, item);
    case Step::Kind::product_sum:
      return table.product_sum(product_, item);
    case Step::Kind::to_features:
      return kernels::to_features(read_view(value(step_.in), memory_), value(step_.in).extent,
                                  write_view(value(step_.out), memory_).data, item);
    case Step::Kind::spread:
      return spread(item);
    case Step::Kind::linear_of_planes:
      return table.linear_of_planes(linear_, item);
    case Step::Kind::gathered_linear:
      if (phase == 0) return gathered_.mark(item);
      return phase == 1 ? gathered_.gather(item) : gathered_.multiply(table, item, thread);
    case Step::Kind::gathered_convolution:
      return run_gathered_convolution(table, item, thread);
    case Step::Kind::scatter:
      return scatter(item);
    case Step::Kind::linear_backward:
      return phase == 0 ? find_live_groups() : table.linear_backward(linear_backward_, item);
    case Step::Kind::max_pool_backward:
      return table.max_pool_backward(pool_backward_, item);
    case Step::Kind::average_pool_backward:
      return table.average_pool_backward(pool_backward_, item);
    case Step::Kind::adaptive_average_pool_backward:
      return table.adaptive_average_pool_backward(pool_backward_, item);
    case Step::Kind::to_planes:
      return kernels::to_planes(in(step_.in).data, value(step_.in).extent, out(step_.out), item);
  }
}

kernels::Input StepBinding::in(ValueId id) const {
  if (id == kNone) return {};
  const Value& v = value(id);
  if (v.arena != Arena::planes) {
    kernels::Input view = read_view(v, memory_);
    view.data += skipped(v);
    return view;
  }
  return {deltas_.planes + v.offset + v.origin(), 0, v.block(), v.row()};
}

kernels::Output StepBinding::out(ValueId id) const {
  if (id == kNone) return {};
  kernels::Output view = write_view(value(id), memory_);
  view.data += skipped(value(id));
  return view;
}

kernels::Base StepBinding::base(ValueId id) const {
  if (id == kNone) return {};
  const Value& before = value(id);
  kernels::Base view = base_view(before, memory_, deltas_.image);
  if (!program_.is_gradient) return view;
  // A gradient uses the ReLU gates of its own image.
  view.gates = true;
  if (before.extent.batch == 1) return view;
  if (before.layout == Layout::features) {
    view.pixel = kernels::kBlock;
  } else {
    view.batch = before.batch();
  }
  return view;
}

}  // namespace ablaze::runtime
