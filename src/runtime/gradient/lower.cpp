#include "runtime/lowering/lower.hpp"

#include <algorithm>

#include <ablaze/error.hpp>

#include "graph/visit.hpp"
#include "runtime/gradient/program.hpp"

// The lowering visits nodes from the output backwards. Before it visits a node, each of the node's readers
// has added a part of the node's gradient: an existing value (from an addition), or an operator whose
// backward step is pending. The backward steps sum the parts: a convolution adds the current sum, as a
// forward convolution adds its residual, and the last step also applies the node's ReLU gate.

namespace ablaze::runtime {
namespace {

using graph::one_of;

class GradientLowering {
 public:
  GradientLowering(const CompiledNetwork& network, NodeId layer, std::int64_t columns, const Program& state,
                   TransposedWeights& weights)
      : network_(network),
        graph_(network.graph),
        layer_(layer),
        columns_(static_cast<int>(columns)),
        state_(state),
        weights_(weights),
        behind_(graph_.downstream(layer)),
        parts_(static_cast<std::size_t>(graph_.size())) {}

  Program run() {
    program_.is_gradient = true;
    find_extents();
    find_borders();
    const NodeId output = graph_.output();
    program_.input = add_value(output);
    parts_[output].push_back({program_.input, -1, nullptr});
    for (NodeId id = output; id > layer_; --id) {
      if (!parts(id).empty()) visit_node(id);
    }
    program_.output = add_up(layer_, kNone);
    program_.value_of[layer_] = program_.output;
    const ValueId untouchable[] = {program_.input, program_.output};
    plan_memory(program_, untouchable, network_.options.execution.threads);
    return std::move(program_);
  }

 private:
  /// A part of a node's gradient: `value`, or the result of the backward step of `reader` on it.
  struct Part {
    ValueId value = kNone;
    NodeId reader = -1;                   // -1: `value` itself
    const op::BatchNorm* norm = nullptr;  // the BatchNorm behind `reader`, a convolution
    std::size_t operand = 0;              // the node's index among the factors of `reader`, a product
  };

  const Node& node(NodeId id) const { return graph_.node(id); }
  const Shape& shape(NodeId id) const { return network_.shapes[id]; }
  bool behind(NodeId id) const { return behind_[id] && id != layer_; }
  std::vector<Part>& parts(NodeId id) { return parts_[id]; }
  const Value& value(ValueId id) const { return program_.value(id); }

  // ---- Values and layouts

  /// Features keep the extent before flattening, because it determines their order.
  void find_extents() {
    for (NodeId id = 0; id < graph_.size(); ++id) {
      const Shape& s = shape(id);
      const Op& op = node(id).op;
      kernels::Extent extent{columns_, static_cast<int>(s[1]), 1, 1};
      if (s.size() == 4) {
        extent.h = static_cast<int>(s[2]), extent.w = static_cast<int>(s[3]);
      } else if (id > 0 && !std::holds_alternative<op::Linear>(op)) {
        extent = extents_[node(id).inputs[0]];
      }
      extents_.push_back(extent);
    }
  }

  /// A gradient's border is the widest that its convolution's backward step reads; a node that keeps the
  /// layout takes the widest border of its inputs.
  void find_borders() {
    borders_.assign(graph_.size(), {0, 0});
    for (NodeId id = layer_ + 1; id < graph_.size(); ++id) {
      if (!behind(id)) continue;
      auto& border = borders_[id];
      if (const auto* conv = std::get_if<op::Conv2d>(&node(id).op)) {
        const TransposedConvolution transposed = plan_transposed(*conv, shape(node(id).inputs[0]), shape(id));
        border = {transposed.border_y, transposed.border_x};
      } else if (keeps_layout(id)) {
        for (const NodeId in : node(id).inputs) {
          const auto& theirs = borders_[in];
          border = {std::max(border[0], theirs[0]), std::max(border[1], theirs[1])};
        }
      }
    }
  }

  /// Whether the gradients of a node's input and output have the same layout.
  bool keeps_layout(NodeId id) const {
    return graph::visit(
        node(id).op, [](const one_of<op::Add, op::Relu, op::Identity, op::BatchNorm> auto&) { return true; },
        [](const one_of<op::Input, op::Conv2d, op::Curve, op::MaxPool2d, op::AvgPool2d, op::AdaptiveAvgPool2d,
                        op::GlobalMaxPool2d, op::Linear, op::Flatten, op::Unflatten, op::Multiply,
                        op::ChannelMap> auto&) { return false; });
  }

  ValueId add_value(NodeId id) {
    Value v;
    v.extent = extents_[id];
    v.layout = shape(id).size() == 4 ? Layout::blocked : Layout::features;
    if (v.layout == Layout::blocked) {
      v.border_y = borders_[id][0];
      v.border_x = borders_[id][1];
    }
    v.storage = static_cast<ValueId>(program_.values.size());
    program_.values.push_back(v);
    return v.storage;
  }

  /// The node's value in the forward run.
  ValueId base_value(NodeId id) {
    const auto found = state_.value_of.find(id);
    if (found == state_.value_of.end())
      throw Error("layer " + node(id).name + " was not kept for the gradient of what follows it");
    Value base = state_.value(found->second);
    base.arena = base.arena == Arena::trace ? Arena::first : Arena::trace;
    program_.values.push_back(base);
    return static_cast<ValueId>(program_.values.size()) - 1;
  }

  // ---- Node by node

  void visit_node(NodeId id) {
    const Op& op = node(id).op;
    const NodeId in = node(id).inputs[0];
    if (std::holds_alternative<op::Conv2d>(op) && parts(id).size() == 1 && norm_of(parts(id)[0]) != nullptr) {
      // A convolution with a BatchNorm as its only reader is one step, as in the forward run.
      const Part& part = parts(id)[0];
      add_part(in, {part.value, id, norm_of(part)});
      return;
    }
    const ValueId gate = std::holds_alternative<op::Relu>(op) ? base_value(in) : kNone;
    const ValueId gradient = add_up(id, gate);
    graph::visit(
        op,
        [&](const op::Flatten&) {
          add_part(in, {to_planes(in, gradient), -1, nullptr});
        },
        [&](const op::Unflatten&) {
          add_part(in, {to_features(in, gradient), -1, nullptr});
        },
        [&](const op::Multiply&) {
          for (std::size_t i = 0; i < 2; ++i) add_part(node(id).inputs[i], {gradient, id, nullptr, i});
        },
        [&](const one_of<op::Add, op::Relu, op::Identity> auto&) {
          for (const NodeId input : node(id).inputs) add_part(input, {gradient, -1, nullptr});
        },
        [&](const one_of<op::Conv2d, op::BatchNorm, op::Linear, op::Curve, op::MaxPool2d, op::AvgPool2d,
                         op::AdaptiveAvgPool2d, op::GlobalMaxPool2d> auto&) {
          add_part(in, {gradient, id, nullptr});
        },
        [&](const one_of<op::Input, op::ChannelMap> auto&) { no_gradient(id); });
  }

  [[noreturn]] void no_gradient(NodeId id) const {
    throw Error("layer " + node(id).name + ": backpropagation does not support " +
                std::string(op_name(node(id).op)));
  }

  void add_part(NodeId id, const Part& part) {
    if (behind(id) || id == layer_) parts(id).push_back(part);
  }

  const op::BatchNorm* norm_of(const Part& part) const {
    return part.reader < 0 ? nullptr : std::get_if<op::BatchNorm>(&node(part.reader).op);
  }

  /// The gradient of a node whose readers have all been visited. gate: the input of its ReLU.
  ValueId add_up(NodeId id, ValueId gate) {
    std::vector<Part> pending = parts(id);
    std::ranges::stable_sort(pending, {}, [&](const Part& part) { return order(part); });
    ValueId sum = kNone;
    for (std::size_t i = 0; i < pending.size(); ++i) {
      const Part& part = pending[i];
      const bool last = i + 1 == pending.size();
      if (part.reader < 0 && sum == kNone && !(last && gate != kNone)) {
        sum = part.value;
      } else {
        sum = backward(id, part, sum, last ? gate : kNone);
      }
    }
    return sum;
  }

  /// Existing values first; convolutions that omit pixels before whole ones, which can add the sum.
  int order(const Part& part) const {
    if (part.reader < 0) return 0;
    const auto* conv = std::get_if<op::Conv2d>(&node(part.reader).op);
    if (conv == nullptr) return 1;
    return plan_transposed(*conv, shape(node(part.reader).inputs[0]), shape(part.reader)).whole ? 3 : 2;
  }

  Step step_for(NodeId id, const Part& part, Step::Kind kind, const char* description) const {
    Step step;
    step.kind = kind;
    step.first = part.reader < 0 ? id : part.reader;
    step.last = id;
    step.description = description;
    step.in = part.value;
    return step;
  }

  /// (part + sum) through the gate; sum and gate are optional.
  ValueId backward(NodeId id, const Part& part, ValueId sum, ValueId gate) {
    if (part.reader < 0) return elementwise(step_for(id, part, Step::Kind::elementwise, "add"), sum, gate);
    return graph::visit(
        node(part.reader).op, [&](const op::Conv2d&) { return convolution_backward(id, part, sum, gate); },
        [&](const op::BatchNorm& norm) {
          Step step = step_for(id, part, Step::Kind::elementwise, "bn");
          const std::vector<double> scale = batch_norm_affine(norm).scale;
          step.affine = pack_affine(scale, std::vector<double>(scale.size(), 0.0));
          return elementwise(std::move(step), sum, gate);
        },
        [&](const op::Linear&) { return linear_backward(id, part, sum, gate); },
        [&](const op::Curve& curve) {
          Step step = step_for(id, part, Step::Kind::elementwise, "curve");
          step.curve = kernel_curve(curve);
          return finish(id, elementwise(std::move(step), kNone, base_value(id)), sum, gate);
        },
        [&](const op::Multiply&) { return finish(id, product_backward(id, part), sum, gate); },
        [&](const one_of<op::MaxPool2d, op::GlobalMaxPool2d> auto& pool) {
          Step step = step_for(id, part, Step::Kind::max_pool_backward, "max pool");
          step.geometry = geometry_of(pool, shape(id));
          step.base = base_value(id);
          if (sum == kNone && gate != kNone) {  // a ReLU's gate is open if its output is above zero
            step.relu = true;
            gate = kNone;
          }
          return pool_backward(id, std::move(step), sum, gate);
        },
        [&](const op::AvgPool2d& pool) {
          Step step = step_for(id, part, Step::Kind::average_pool_backward, "average pool");
          step.geometry = geometry_of(pool, shape(id));
          step.count_include_pad = pool.count_include_pad;
          return pool_backward(id, std::move(step), sum, gate);
        },
        [&](const op::AdaptiveAvgPool2d&) {
          return pool_backward(
              id, step_for(id, part, Step::Kind::adaptive_average_pool_backward, "adaptive average pool"),
              sum, gate);
        },
        // visit_node handles these.
        [&](const one_of<op::Input, op::Relu, op::Add, op::Identity, op::Flatten, op::Unflatten,
                         op::ChannelMap> auto&) -> ValueId { no_gradient(part.reader); });
  }

  ValueId push(Step step) {
    program_.steps.push_back(std::move(step));
    return program_.steps.back().out;
  }

  ValueId elementwise(Step step, ValueId other, ValueId gate) {
    step.other = other;
    step.base = gate;
    step.out = add_value(step.last);
    return push(std::move(step));
  }

  /// Adds the sum and applies the gate in a separate step, after a step that can do neither.
  ValueId finish(NodeId id, ValueId gradient, ValueId sum, ValueId gate) {
    if (sum == kNone && gate == kNone) return gradient;
    return elementwise(step_for(id, {gradient, -1, nullptr}, Step::Kind::elementwise, "add"), sum, gate);
  }

  ValueId convolution_backward(NodeId id, const Part& part, ValueId sum, ValueId gate) {
    const std::shared_ptr<const TransposedConvolution> transposed =
        weights_.convolution(network_, part.reader, part.norm);
    Step step = step_for(id, part, Step::Kind::convolution, "conv");
    step.other = sum;
    step.base = gate;
    if (!transposed->whole) {
      Step rest = step_for(id, {sum, -1, nullptr}, Step::Kind::elementwise, "spread");
      rest.base = gate;
      rest.out = step.out = add_value(id);
      push(std::move(rest));
    } else {
      step.out = add_value(id);
    }
    step.multiply_adds = multiply_adds(graph_, part.reader, network_.shapes) / shape(id)[0] * columns_ /
                         std::max<std::int64_t>(1, static_cast<std::int64_t>(transposed->phases.size()));
    for (const TransposedConvolution::Phase& phase : transposed->phases) {
      Step one = step;
      one.geometry = phase.geometry;
      one.pixels = phase.pixels;
      one.packed = phase.packed;
      if (phase.choice.winograd) transform(one, id, phase.choice);
      push(std::move(one));
    }
    return step.out;
  }

  /// The side was selected for one image; the schedule of the tiles depends on the batch.
  void transform(Step& step, NodeId id, kernels::Choice choice) {
    const Value& in = value(step.in);
    const Shape& s = shape(id);
    const kernels::Choice walk =
        kernels::choose({columns_, in.extent.channels, static_cast<int>(s[1]), static_cast<int>(s[2]),
                         static_cast<int>(s[3])},
                        network_.options.execution.isa, network_.options.execution.threads);
    step.kind = Step::Kind::winograd;
    step.choice = walk.winograd && walk.side == choice.side ? walk : choice;
    add_winograd_scratch(program_, step, value(step.out).extent.batch, network_.options.execution.threads);
  }

  ValueId linear_backward(NodeId id, const Part& part, ValueId sum, ValueId gate) {
    Step step = step_for(id, part, Step::Kind::linear_backward, "linear");
    step.phases = 2;
    step.packed = network_.store.at(part.reader);
    step.multiply_adds = multiply_adds(graph_, part.reader, network_.shapes) / shape(id)[0] * columns_;
    step.base = sum == kNone ? gate : kNone;
    step.out = add_value(id);
    const ValueId gradient = push(std::move(step));
    return sum == kNone ? gradient : finish(id, gradient, sum, gate);
  }

  ValueId pool_backward(NodeId id, Step step, ValueId sum, ValueId gate) {
    step.out = add_value(id);
    return finish(id, push(std::move(step)), sum, gate);
  }

  /// g times the other factor; summed over the plane if this factor is one number per channel.
  ValueId product_backward(NodeId id, const Part& part) {
    const bool shared = shape(id) != shape(part.reader);
    Step step = step_for(id, part, shared ? Step::Kind::product_sum : Step::Kind::product, "multiply");
    step.base = base_value(node(part.reader).inputs[1 - part.operand]);
    step.out = add_value(id);
    return push(std::move(step));
  }

  ValueId to_features(NodeId in, ValueId planes) {
    Step step = step_for(in, {planes, -1, nullptr}, Step::Kind::to_features, "flatten");
    step.out = add_value(in);
    return push(std::move(step));
  }

  /// Converts a flattened gradient to planes; in place if the layouts are the same.
  ValueId to_planes(NodeId in, ValueId flat) {
    if (shape(in).size() != 4) return flat;
    const ValueId planes = add_value(in);
    Value& v = program_.value(planes);
    if (v.extent.batch == 1 && v.border_y == 0 && v.border_x == 0) {
      v.storage = value(flat).storage;
      return planes;
    }
    Step step = step_for(in, {flat, -1, nullptr}, Step::Kind::to_planes, "unflatten");
    step.out = planes;
    return push(std::move(step));
  }

  const CompiledNetwork& network_;
  const Graph& graph_;
  NodeId layer_;
  int columns_;
  const Program& state_;
  TransposedWeights& weights_;
  Program program_;
  std::vector<bool> behind_;
  std::vector<std::vector<Part>> parts_;
  std::vector<kernels::Extent> extents_;
  std::vector<std::array<int, 2>> borders_;
};

}  // namespace

std::shared_ptr<const TransposedConvolution> TransposedWeights::convolution(const CompiledNetwork& network,
                                                                            NodeId conv,
                                                                            const op::BatchNorm* norm) {
  auto& packed = convolutions_[conv];
  if (packed == nullptr) {
    const std::vector<double> scale =
        norm != nullptr ? batch_norm_affine(*norm).scale : std::vector<double>{};
    packed = std::make_shared<const TransposedConvolution>(pack_transposed(network, conv, scale));
    bytes_ += packed->bytes;
  }
  return packed;
}

Program lower_gradient(const CompiledNetwork& network, NodeId layer, std::int64_t columns,
                       const Program& state, TransposedWeights& weights) {
  return GradientLowering(network, layer, columns, state, weights).run();
}

std::shared_ptr<const Program> GradientPrograms::find(NodeId layer, std::int64_t columns,
                                                      const Program& state) const {
  const std::scoped_lock lock(mutex_);
  auto& compiled = programs_[{layer, columns, &state}];
  if (compiled != nullptr) return compiled;
  const std::uint64_t before = weights_.bytes();
  compiled = std::make_shared<const Program>(lower_gradient(network_, layer, columns, state, weights_));
  if (weights_.bytes() != before) release_mapped_files(network_.graph);
  return compiled;
}

std::uint64_t GradientPrograms::packed_bytes() const {
  const std::scoped_lock lock(mutex_);
  return weights_.bytes();
}

}  // namespace ablaze::runtime
