#include "runtime/gradient/weights.hpp"

#include <algorithm>

#include "threads/threads.hpp"

namespace ablaze::runtime {
namespace {

/// One axis of a phase: input rows first, first + stride, ... and the taps that read them, last first.
struct AxisPhase {
  int first = 0;
  std::vector<int> taps;
  int padding = 0;   // rows of the output's gradient before the first that is read
  int dilation = 1;  // between the rows that two taps read
  int after = 0;     // and behind the last row of the output's gradient, as if it were padded
  int border = 0;    // zeros needed around the output's gradient
};

struct Axis {
  int kernel, stride, padding, dilation, in, out;
};

/// Tap t of output row i + (first + padding - t * dilation) / stride reads input row `first + stride * i`.
int output_row(const Axis& axis, int first, int tap) {
  return (first + axis.padding - tap * axis.dilation) / axis.stride;
}

std::vector<AxisPhase> axis_phases(const Axis& axis) {
  std::vector<AxisPhase> phases;
  for (int tap = axis.kernel - 1; tap >= 0; --tap) {
    const int first = ((tap * axis.dilation - axis.padding) % axis.stride + axis.stride) % axis.stride;
    if (first >= axis.in) continue;
    auto phase = std::ranges::find(phases, first, &AxisPhase::first);
    if (phase == phases.end()) phase = phases.insert(phases.end(), {first, {}, 0, 1, 0, 0});
    phase->taps.push_back(tap);
  }
  std::ranges::sort(phases, {}, &AxisPhase::first);
  for (AxisPhase& phase : phases) {
    phase.padding = -output_row(axis, phase.first, phase.taps.front());
    if (phase.taps.size() > 1) phase.dilation = output_row(axis, phase.first, phase.taps[1]) + phase.padding;
    const int rows = (axis.in - phase.first + axis.stride - 1) / axis.stride;
    const int last = rows - 1 + output_row(axis, phase.first, phase.taps.back());
    phase.after = last - (axis.out - 1);
    phase.border = std::max({0, phase.padding, phase.after});
  }
  return phases;
}

Axis axis_of(const op::Conv2d& conv, const Shape& in, const Shape& out, std::size_t axis) {
  const Shape& weight = conv.weight.shape();
  const Padding padding = conv.padding.at(
      {in[2], in[3]}, {static_cast<int>(weight[2]), static_cast<int>(weight[3])}, conv.stride, conv.dilation);
  return {static_cast<int>(weight[axis + 2]),
          conv.stride[axis],
          padding.before[axis],
          conv.dilation[axis],
          static_cast<int>(in[axis + 2]),
          static_cast<int>(out[axis + 2])};
}

/// Calls visit(phase of the rows, phase of the columns) for every phase.
template <class Visit>
void for_each_phase(const op::Conv2d& conv, const Shape& in, const Shape& out, Visit visit) {
  const std::vector<AxisPhase> columns = axis_phases(axis_of(conv, in, out, 1));
  for (const AxisPhase& y : axis_phases(axis_of(conv, in, out, 0))) {
    for (const AxisPhase& x : columns) visit(y, x);
  }
}

/// The convolution of a phase: of the output's gradient, [C, O / groups, taps, taps].
op::Conv2d transposed(const op::Conv2d& conv, const Tensor& weight, std::span<const double> scale,
                      const AxisPhase& y, const AxisPhase& x, const Execution& execution) {
  const Shape& shape = conv.weight.shape();
  const std::int64_t group_out = shape[0] / conv.groups, group_in = shape[1], area = shape[2] * shape[3];
  op::Conv2d result;
  Tensor rotated =
      Tensor::uninitialised({group_in * conv.groups, group_out, static_cast<std::int64_t>(y.taps.size()),
                             static_cast<std::int64_t>(x.taps.size())});
  const auto taps = static_cast<std::int64_t>(y.taps.size() * x.taps.size());
  threads::for_each(execution, group_in * conv.groups, [&](std::int64_t c) {
    for (std::int64_t o = 0; o < group_out; ++o) {
      const std::int64_t from = c / group_in * group_out + o;
      const float* filter = weight.data() + (from * group_in + c % group_in) * area;
      const double factor = scale.empty() ? 1.0 : scale[from];
      float* to = rotated.data() + (c * group_out + o) * taps;
      for (const int i : y.taps) {
        for (const int j : x.taps) *to++ = static_cast<float>(filter[i * shape[3] + j] * factor);
      }
    }
  });
  result.weight = std::move(rotated);
  result.padding = {y.padding, x.padding};
  result.dilation = {y.dilation, x.dilation};
  result.groups = conv.groups;
  return result;
}

/// Selects Winograd for one image, so that a gradient's bits do not depend on the batch.
kernels::Choice choose(const CompiledNetwork& network, const op::Conv2d& conv, const Shape& out) {
  const Shape& weight = conv.weight.shape();
  const std::array<int, 2> ones{1, 1};
  const bool fits = weight[2] == 3 && weight[3] == 3 && conv.dilation == ones && conv.groups == 1 &&
                    std::ranges::all_of(conv.padding.before, [](int p) { return p >= 0; });
  if (!network.options.execution.winograd || !fits) return {};
  return kernels::choose({1, static_cast<int>(weight[1]), static_cast<int>(weight[0]),
                          static_cast<int>(out[2]), static_cast<int>(out[3])},
                         network.options.execution.isa, network.options.execution.threads);
}

}  // namespace

TransposedConvolution plan_transposed(const op::Conv2d& conv, const Shape& in, const Shape& out) {
  TransposedConvolution result;
  for_each_phase(conv, in, out, [&](const AxisPhase& y, const AxisPhase& x) {
    TransposedConvolution::Phase phase;
    phase.pixels = {y.first, x.first, conv.stride[0], conv.stride[1]};
    phase.geometry.kernel_h = static_cast<int>(y.taps.size());
    phase.geometry.kernel_w = static_cast<int>(x.taps.size());
    phase.geometry.padding_h = y.padding, phase.geometry.padding_w = x.padding;
    phase.geometry.padding_below = y.after, phase.geometry.padding_right = x.after;
    phase.geometry.dilation_h = y.dilation, phase.geometry.dilation_w = x.dilation;
    result.phases.push_back(std::move(phase));
    result.border_y = std::max(result.border_y, y.border);
    result.border_x = std::max(result.border_x, x.border);
  });
  const auto kinds = [&](std::size_t axis) {
    return std::min<std::int64_t>(conv.stride[axis], in[axis + 2]);
  };
  result.whole = static_cast<std::int64_t>(result.phases.size()) == kinds(0) * kinds(1);
  return result;
}

TransposedConvolution pack_transposed(const CompiledNetwork& network, NodeId id,
                                      std::span<const double> scale) {
  const Node& node = network.graph.node(id);
  const auto& conv = std::get<op::Conv2d>(node.op);
  const Shape& in = network.shapes[node.inputs[0]];
  const Shape& out = network.shapes[id];
  const Tensor weight = conv.weight.to_tensor();
  const Execution& execution = network.options.execution;
  const int tile = network.table->out_blocks_per_tile;
  const bool strides = conv.stride[0] > 1 || conv.stride[1] > 1;
  TransposedConvolution result = plan_transposed(conv, in, out);
  auto phase = result.phases.begin();
  for_each_phase(conv, in, out, [&](const AxisPhase& y, const AxisPhase& x) {
    const Node rotated{node.name, transposed(conv, weight, scale, y, x, execution), {}};
    const auto& small = std::get<op::Conv2d>(rotated.op);
    if (!strides) phase->choice = choose(network, small, in);
    phase->packed = phase->choice.winograd
                        ? pack_winograd(rotated, phase->choice.side, tile, {}, {}, execution)
                        : pack_convolution(rotated, false, tile, {}, {}, execution);
    result.bytes += phase->packed->bytes();
    ++phase;
  });
  return result;
}

}  // namespace ablaze::runtime
