#include "runtime/execute.hpp"

#include <omp.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace ablaze::runtime {
namespace {

using kernels::kBlock;

/// What a step reads and writes, bound to memory; the views are made anew a run, which costs nothing.
class StepBinding {
 public:
  StepBinding(const Program& program, const Graph& graph, const Step& step, const Memory& memory,
              const Changes& changes, int threads)
      : program_(program), graph_(graph), step_(step), memory_(memory), changes_(changes) {
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
      case Step::Kind::linear_of_planes:
        bind_linear_of_planes();
        break;
      case Step::Kind::gathered_linear:
        bind_convolution(node, threads);
        columns_ = changes_.columns + step.columns;
        break;
      case Step::Kind::scatter:
        items_ = changes_.images * value(step.out).extent.blocks();
        break;
    }
  }

  int items(int phase) const {
    if (step_.kind == Step::Kind::gathered_linear) {
      if (phase == 0) return value(step_.in).blocks();
      return phase == 1 ? gathered_blocks() : items_;
    }
    if (step_.kind != Step::Kind::winograd || step_.choice.block_tiles > 0) return items_;
    if (phase / 3 * step_.choice.chunk_tiles >= winograd_.tiles) return 0;  // images that are not there
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
      case Step::Kind::linear_of_planes:
        return table.linear_of_planes(linear_, item);
      case Step::Kind::gathered_linear:
        if (phase == 0) return mark_columns(item);
        return phase == 1 ? gather_columns(item) : multiply_gathered(table, item, thread);
      case Step::Kind::scatter:
        return scatter(item);
    }
  }

 private:
  const Value& value(ValueId id) const { return program_.values[static_cast<std::size_t>(id)]; }
  kernels::Input in(ValueId id) const {
    if (id == kNone) return {};
    if (value(id).home != Home::planes) return read_view(value(id), memory_);
    const Value& v = value(id);
    return {changes_.planes + v.offset + v.origin(), 0, v.block(), v.row()};
  }
  kernels::Output out(ValueId id) const {
    return id == kNone ? kernels::Output{} : write_view(value(id), memory_);
  }

  kernels::Base base() const {
    return step_.base == kNone ? kernels::Base{} : base_view(value(step_.base), memory_, changes_.image);
  }
  /// Images of the batch that there are.
  int images(const Value& v) const { return program_.changes ? changes_.images : v.extent.batch; }

  void bind_convolution(const Node& node, int threads) {
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
    pool_.batch = images(to);
    pool_.base = base();
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
      elementwise_.shift = program_.changes ? nullptr : step_.affine->shift.data();
    }
    elementwise_.base = base();
    const bool flat = to.layout == Layout::features;
    elementwise_.batch = flat ? 1 : images(to);
    elementwise_.blocks = to.blocks();
    elementwise_.h = flat ? 1 : to.extent.h;
    elementwise_.w = flat ? images(to) : to.extent.w;
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

  void bind_linear_of_planes() {
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

  /// An item: one block of a state. Marks the columns that some image changes.
  void mark_columns(int block) const {
    const float* state = conv_.in.data + block * conv_.in.block;
    unsigned marks = 0;
    for (int n = 0; n < changes_.images; ++n) {
      for (int lane = 0; lane < kBlock; ++lane)
        marks |= static_cast<unsigned>(state[n * kBlock + lane] != 0) << lane;
    }
    columns_[block] = static_cast<std::uint16_t>(marks);
  }

  int marked_columns() const {
    int count = 0;
    for (int block = 0; block < value(step_.in).blocks(); ++block) count += std::popcount(columns_[block]);
    return count;
  }
  int gathered_blocks() const { return (marked_columns() + kBlock - 1) / kBlock; }

  /// Calls visit(place among the marked columns, column) for each of them from place `begin` to `end`.
  template <class Visit>
  void for_each_marked(int begin, int end, Visit visit) const {
    int place = 0;
    for (int block = 0; block < value(step_.in).blocks() && place < end; ++block) {
      const int here = std::popcount(columns_[block]);
      if (place + here <= begin) {
        place += here;
        continue;
      }
      for (unsigned marks = columns_[block]; marks != 0; marks &= marks - 1, ++place) {
        if (place >= begin && place < end) visit(place, block * kBlock + std::countr_zero(marks));
      }
    }
  }

  float* gathered_state() const { return memory_.own + value(step_.scratch).offset; }

  /// An item: 16 columns of the gathered state, for all images.
  void gather_columns(int item) const {
    const Value& state = value(step_.in);
    float* to = gathered_state() + item * state.block();
    std::fill_n(to, std::ptrdiff_t{changes_.images} * kBlock, 0.0F);
    for_each_marked(item * kBlock, (item + 1) * kBlock, [&](int place, int column) {
      const float* from = conv_.in.data + column / kBlock * state.block() + column % kBlock;
      for (int n = 0; n < changes_.images; ++n) to[n * kBlock + place % kBlock] = from[n * kBlock];
    });
  }

  /// An item: one group of outputs, whose weights are gathered into this thread's scratch.
  void multiply_gathered(const kernels::KernelTable& table, int item, int thread) const {
    const Value& state = value(step_.in);
    kernels::OutGroup group = conv_.groups[item];
    const int lanes = group.blocks * kBlock, blocks = gathered_blocks();
    const std::ptrdiff_t state_floats = state.block() * state.blocks();
    const std::ptrdiff_t most = std::ptrdiff_t{state.blocks()} * kBlock * table.out_blocks_per_tile * kBlock;
    float* weights = gathered_state() + state_floats + thread * most;
    const float* from = conv_.weights + group.weights;
    std::fill_n(weights, std::ptrdiff_t{blocks} * kBlock * lanes, 0.0F);
    for_each_marked(0, blocks * kBlock, [&](int place, int column) {
      std::memcpy(weights + std::ptrdiff_t{place} * lanes, from + std::ptrdiff_t{column} * lanes,
                  static_cast<std::size_t>(lanes) * sizeof(float));
    });
    kernels::Conv part = conv_;
    group.in_begin = 0, group.in_end = blocks;
    group.weights = 0;
    part.in.data = gathered_state();
    part.weights = weights;
    part.groups = &group;
    part.group_count = 1;
    table.linear(part, 0);
  }

  /// An item: one block of one image.
  void scatter(int item) const {
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
    for (int at = changes_.members.first[image]; at < changes_.members.first[image + 1]; ++at) {
      const int channel = changes_.members.index[at];
      if (channel / kBlock != block) continue;
      const float* plane = from.data + channel * from.block;
      for_each_pixel([&](float* p, int y, int x) { p[channel % kBlock] = plane[y * from.row + x]; });
    }
  }

  const Program& program_;
  const Graph& graph_;
  const Step& step_;
  const Memory& memory_;
  const Changes& changes_;
  std::uint16_t* columns_ = nullptr;
  kernels::LinearOfPlanes linear_;
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
  const float* base = (value.home == Home::trace ? memory.trace : memory.own) + value.offset + value.origin();
  // One image serves a tail's whole batch.
  const bool repeats = value.home == Home::trace && value.extent.batch == 1;
  return {base, repeats ? 0 : value.batch(), value.block(), value.row()};
}

kernels::Base base_view(const Value& value, const Memory& memory, int image) {
  const float* data = memory.trace + value.offset + value.origin();
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

void read_value(const Value& value, const Memory& memory, float* to, int threads) {
  const kernels::Input from = read_view(value, memory);
  const bool flat = value.layout == Layout::features;
  const int items = flat ? value.extent.blocks() : value.extent.batch * value.extent.blocks();
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
  for (int item = 0; item < items; ++item) {
    if (flat) {
      kernels::from_features(from.data, value.extent, to, item);
    } else {
      kernels::from_blocked(from, value.extent, to, item);
    }
  }
}

namespace {

void run_steps(const Program& program, const Graph& graph, const kernels::KernelTable& table,
               const Memory& memory, const Changes& changes, const float* input, int threads, Shares& shares,
               double* step_ms) {
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
      const StepBinding step(program, graph, program.steps[s], memory, changes, threads);
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

}  // namespace

void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const float* input, int threads, Shares& shares, double* step_ms) {
  run_steps(program, graph, table, memory, {}, input, threads, shares, step_ms);
}

void execute(const Program& program, const Graph& graph, const kernels::KernelTable& table,
             const Memory& memory, const Changes& changes, int threads, Shares& shares, double* step_ms) {
  run_steps(program, graph, table, memory, changes, nullptr, threads, shares, step_ms);
}

}  // namespace ablaze::runtime
