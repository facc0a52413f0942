#include "runtime/execute.hpp"

#include <omp.h>

#include <algorithm>
#include <cstring>

namespace ablaze::runtime {
namespace {

using kernels::kBlock;

/// What a step reads and writes, bound to memory; the views are made anew a run, which costs nothing.
class StepBinding {
 public:
  StepBinding(const Program& program, const Graph& graph, const Step& step, const Memory& memory, int threads)
      : program_(program), graph_(graph), step_(step), memory_(memory) {
    const Node& node = graph_.node(step.first);
    switch (step.kind) {
      case Step::Kind::convolution:
        bind_convolution(node, threads);
        break;
      case Step::Kind::winograd:
        bind_winograd(node, threads);
        break;
      case Step::Kind::max_pool:
        bind_max_pool(std::get<op::MaxPool2d>(node.op), threads);
        break;
      case Step::Kind::average_pool:
        bind_average_pool(std::get<op::AvgPool2d>(node.op), threads);
        break;
      case Step::Kind::adaptive_average_pool:
        bind_pool(threads);
        break;
      case Step::Kind::elementwise:
        bind_elementwise(threads);
        break;
      case Step::Kind::to_features:
        items_ = value(step.in).extent.blocks();
        break;
      case Step::Kind::spread:
        items_ = value(step.in).blocks();
        break;
    }
  }

  int items(int phase) const {
    if (step_.kind != Step::Kind::winograd || step_.choice.block_tiles > 0) return items_;
    const int stage[3] = {winograd_.in_blocks, winograd_.taps * winograd_.conv.group_count,
                          winograd_.out_blocks};
    return stage[phase % 3];
  }

  void run(const kernels::KernelTable& table, int phase, int item, int thread) const {
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
      case Step::Kind::to_features:
        return kernels::to_features(read_view(value(step_.in), memory_), value(step_.in).extent,
                                    write_view(value(step_.out), memory_).data, item);
      case Step::Kind::spread:
        return spread(item);
    }
  }

 private:
  const Value& value(ValueId id) const { return program_.values[static_cast<std::size_t>(id)]; }
  kernels::Input in(ValueId id) const {
    return id == kNone ? kernels::Input{} : read_view(value(id), memory_);
  }
  kernels::Output out(ValueId id) const {
    return id == kNone ? kernels::Output{} : write_view(value(id), memory_);
  }

  void bind_convolution(const Node& node, int threads) {
    const Value& result = value(step_.out);
    conv_.in = in(step_.in);
    conv_.planar = value(step_.in).layout == Layout::planar;
    conv_.residual = in(step_.other);
    conv_.out = out(step_.out);
    conv_.before_relu = out(step_.before_relu);
    conv_.weights = step_.packed->weights.data();
    conv_.half_weights = step_.packed->halves.data();
    conv_.bias = step_.packed->bias.data();
    conv_.groups = step_.packed->groups.data();
    conv_.group_count = static_cast<int>(step_.packed->groups.size());
    conv_.group_inputs = step_.packed->group_inputs;
    conv_.group_outputs = step_.packed->group_outputs;
    conv_.relu = step_.relu;
    if (const auto* c = std::get_if<op::Conv2d>(&node.op)) {
      conv_.batch = result.extent.batch;
      conv_.out_h = result.extent.h;
      conv_.out_w = result.extent.w;
      conv_.kernel_h = static_cast<int>(c->weight.shape()[2]);
      conv_.kernel_w = static_cast<int>(c->weight.shape()[3]);
      conv_.stride_h = c->stride[0], conv_.stride_w = c->stride[1];
      conv_.padding_h = c->padding[0], conv_.padding_w = c->padding[1];
      conv_.dilation_h = c->dilation[0], conv_.dilation_w = c->dilation[1];
    } else {  // linear: the images of the batch are the pixels of one row
      conv_.out_h = 1;
      conv_.out_w = result.extent.batch;
    }
    // A thread that computes a region of the picture reads all weights, one that computes some channels reads
    // the whole picture, most of which another core wrote: the lesser of the two is shared.
    const bool by_rows = value(step_.in).floats() > step_.packed->weights.size();
    conv_.split = kernels::split_work(conv_.batch, conv_.group_count, conv_.out_h, by_rows, threads);
    items_ = kernels::item_count(conv_.split, conv_.batch, conv_.group_count, conv_.out_h);
  }

  void run_convolution(const kernels::KernelTable& table, int item) const {
    if (value(step_.out).layout == Layout::features) return table.linear(conv_, item);
    if (conv_.group_inputs > 0) return table.narrow_conv(conv_, item);
    table.conv(conv_, item);
  }

  void bind_winograd(const Node& node, int threads) {
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
      winograd_.transformed = memory_.own + value(step_.scratch).offset;
      winograd_.products = winograd_.transformed + std::ptrdiff_t{winograd_.taps} * winograd_.in_blocks *
                                                       winograd_.tile_stride * kBlock;
    }
  }

  void run_winograd(const kernels::KernelTable& table, int phase, int item, int thread) const {
    if (step_.choice.block_tiles > 0) {
      const std::ptrdiff_t floats = std::ptrdiff_t{winograd_.taps} *
                                    (winograd_.in_blocks + winograd_.out_blocks) * winograd_.tile_stride *
                                    kBlock;
      return table.winograd_block(winograd_, item,
                                  memory_.own + value(step_.scratch).offset + thread * floats);
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

  void bind_pool(int threads) {
    const Value& from = value(step_.in);
    const Value& to = value(step_.out);
    pool_.in = in(step_.in);
    pool_.out = out(step_.out);
    pool_.batch = to.extent.batch;
    pool_.blocks = to.extent.blocks();
    pool_.in_h = from.extent.h, pool_.in_w = from.extent.w;
    pool_.out_h = to.extent.h, pool_.out_w = to.extent.w;
    pool_.split = kernels::split_work(pool_.batch, pool_.blocks, pool_.out_h, true, threads);
    items_ = kernels::item_count(pool_.split, pool_.batch, pool_.blocks, pool_.out_h);
  }

  template <class Op>
  void bind_window(const Op& op, int threads) {
    bind_pool(threads);
    pool_.kernel_h = op.kernel[0], pool_.kernel_w = op.kernel[1];
    pool_.stride_h = op.stride[0], pool_.stride_w = op.stride[1];
    pool_.padding_h = op.padding[0], pool_.padding_w = op.padding[1];
  }

  void bind_max_pool(const op::MaxPool2d& op, int threads) {
    bind_window(op, threads);
    pool_.dilation_h = op.dilation[0], pool_.dilation_w = op.dilation[1];
  }

  void bind_average_pool(const op::AvgPool2d& op, int threads) {
    bind_window(op, threads);
    pool_.count_include_pad = op.count_include_pad;
  }

  void bind_elementwise(int threads) {
    const Value& to = value(step_.out);
    elementwise_.in = in(step_.in);
    elementwise_.other = in(step_.other);
    elementwise_.out = out(step_.out);
    elementwise_.before_relu = out(step_.before_relu);
    elementwise_.relu = step_.relu;
    if (step_.affine != nullptr) {
      elementwise_.scale = step_.affine->scale.data();
      elementwise_.shift = step_.affine->shift.data();
    }
    const bool flat = to.layout == Layout::features;
    elementwise_.batch = flat ? 1 : to.extent.batch;
    elementwise_.blocks = to.blocks();
    elementwise_.h = flat ? 1 : to.extent.h;
    elementwise_.w = flat ? to.extent.batch : to.extent.w;
    kernels::Elementwise& e = elementwise_;
    e.split = kernels::split_work(e.batch, e.blocks, e.h, true, threads);
    items_ = kernels::item_count(e.split, e.batch, e.blocks, e.h);
  }

  void spread(int item) const {
    const float* from = read_view(value(step_.in), memory_).data + item * value(step_.in).block();
    float* to = write_view(value(step_.out), memory_).data + item * value(step_.out).block();
    for (int n = 0; n < value(step_.out).extent.batch; ++n)
      std::memcpy(to + n * kBlock, from, kBlock * sizeof(float));
  }

  const Program& program_;
  const Graph& graph_;
  const Step& step_;
  const Memory& memory_;
  kernels::Conv conv_;
  kernels::Winograd winograd_;
  kernels::Pool pool_;
  kernels::Elementwise elementwise_;
  int items_ = 0;
};

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

}  // namespace

kernels::Input read_view(const Value& value, const Memory& memory) {
  const float* base = (value.external ? memory.whole : memory.own) + value.offset + value.origin();
  const bool repeats = value.external && value.extent.batch == 1;  // one image serves a tail's whole batch
  return {base, repeats ? 0 : value.batch(), value.block(), value.row()};
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

void read_value(const Value& value, const Memory& memory, float* to) {
  const kernels::Input from = read_view(value, memory);
  if (value.layout == Layout::features) {
    for (int item = 0; item < value.extent.blocks(); ++item)
      kernels::from_features(from.data, value.extent, to, item);
    return;
  }
  const int items = value.extent.batch * value.extent.blocks();
  for (int item = 0; item < items; ++item) kernels::from_blocked(from, value.extent, to, item);
}

void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const float* input, int threads, Shares& shares, double* step_ms) {
  double start = 0;
#pragma omp parallel num_threads(threads)
  {
#pragma omp single
    shares.begin(omp_get_num_threads());
    if (input != nullptr) {
      const Value& value = program.values[static_cast<std::size_t>(program.input)];
#pragma omp for schedule(static)
      for (int item = 0; item < write_items(value); ++item) write_item(value, memory, input, item);
    }
    std::size_t phases = 0;
    const int thread = omp_get_thread_num();
    for (std::size_t s = 0; s < program.steps.size(); ++s) {
      if (step_ms != nullptr) {
#pragma omp master
        start = omp_get_wtime();
      }
      const StepBinding step(program, graph, program.steps[s], memory, threads);
      for (int phase = 0; phase < program.steps[s].phases; ++phase, ++phases) {
        const int items = step.items(phase);
        for (int item; (item = shares.take(phases, thread, items)) >= 0;)
          step.run(table, phase, item, thread);
#pragma omp barrier
        shares.end(phases, thread);
      }
      if (step_ms != nullptr) {
#pragma omp master
        step_ms[s] = (omp_get_wtime() - start) * 1e3;
      }
    }
  }
}

}  // namespace ablaze::runtime
