#include <algorithm>
#include <utility>

#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "graph/visit.hpp"
#include "runtime/lowering/lowering.hpp"

namespace ablaze::runtime {

NodeId Lowering::only_reader(NodeId id) const {
  const auto& readers = readers_[id];
  return readers.size() == 1 && computed(readers[0]) ? readers[0] : -1;
}

bool Lowering::available(NodeId node) const {
  const NodeId id = root(node);
  return program_.value_of.count(id) != 0 || (partial() && !computed(id));
}

void Lowering::lower_node(NodeId id) {
  const Node& node = graph_.node(id);
  graph::visit(
      node.op, [&](const op::Conv2d& conv) { lower_chain(id, convolution_name(conv)); },
      [&](const op::Linear&) { lower_chain(id, "linear"); },
      [&](const op::BatchNorm&) { lower_chain(id, "bn"); }, [&](const op::Add&) { lower_chain(id, "add"); },
      [&](const op::Relu&) { lower_chain(id, "relu"); },
      [&](const op::Curve& curve) { lower_chain(id, base::lower(curve_name(curve.kind))); },
      [&](const op::Identity&) { lower_chain(id, "copy"); }, [&](const op::Multiply&) { lower_multiply(id); },
      [&](const graph::one_of<op::MaxPool2d, op::GlobalMaxPool2d> auto& pool) {
        Step step = pool_step(id, Step::Kind::max_pool, "max pool");
        step.geometry = geometry_of(pool, shape(node.inputs[0]));
        if (delta()) step.base = base_value(node.inputs[0]);
        program_.steps.push_back(std::move(step));
      },
      [&](const op::AvgPool2d& pool) {
        Step step = pool_step(id, Step::Kind::average_pool, "average pool");
        step.geometry = geometry_of(pool, shape(node.inputs[0]));
        step.count_include_pad = pool.count_include_pad;
        program_.steps.push_back(std::move(step));
      },
      [&](const op::AdaptiveAvgPool2d&) {
        program_.steps.push_back(pool_step(id, Step::Kind::adaptive_average_pool, "adaptive average pool"));
      },
      [&](const op::Flatten&) { lower_flatten(id); }, [&](const op::Unflatten&) { lower_unflatten(id); },
      [&](const graph::one_of<op::Input, op::ChannelMap> auto& op) {  // canonical.cpp replaces channel maps
        throw Error("layer " + node.name + ": the engine has no kernel for " + std::string(op_name(op)));
      });
}

std::string Lowering::convolution_name(const op::Conv2d& conv) {
  std::string name =
      "conv " + std::to_string(conv.weight.shape()[2]) + "x" + std::to_string(conv.weight.shape()[3]);
  if (conv.stride[0] > 1) name += "/" + std::to_string(conv.stride[0]);
  if (conv.groups > 1) name += " g" + std::to_string(conv.groups);
  return name;
}

Step Lowering::pool_step(NodeId id, Step::Kind kind, const char* description) {
  Step step;
  step.kind = kind;
  step.first = step.last = id;
  step.description = description;
  step.in = value(graph_.node(id).inputs[0]);
  step.out = add_value(id, Layout::blocked);
  return step;
}

void Lowering::lower_flatten(NodeId id) {
  const ValueId in = value(graph_.node(id).inputs[0]);
  Value flat = program_.value(in);
  if (flat.layout == Layout::features) {  // flat already
    program_.value_of[id] = in;
    return;
  }
  const bool in_place =
      flat.extent.batch == 1 && flat.border_y == 0 && flat.border_x == 0 && flat.layout == Layout::blocked;
  if (flat.layout == Layout::planar)
    throw Error("layer " + graph_.node(id).name + ": cannot flatten the input itself");
  flat.layout = Layout::features;
  flat.border_y = flat.border_x = 0;
  if (in_place) {
    add_value(id, flat);
    return;
  }
  flat.arena = Arena::own;
  flat.storage = kNone;
  Step step;
  step.kind = Step::Kind::to_features;
  step.first = step.last = id;
  step.description = "flatten";
  step.in = in;
  step.out = add_value(id, flat);
  program_.steps.push_back(std::move(step));
}

/// [N, C] and [N, C, 1, 1] differ only in the order of images and blocks.
void Lowering::lower_unflatten(NodeId id) {
  const ValueId in = value(graph_.node(id).inputs[0]);
  Value planes = program_.value(in);
  if (planes.extent.h * planes.extent.w != 1)
    throw Error("layer " + graph_.node(id).name + ": unflattening is not supported");
  const auto& border = borders_[id];
  if (planes.extent.batch == 1 && border == std::array{0, 0}) {
    planes.layout = Layout::blocked;
    add_value(id, planes);
    return;
  }
  Step step;
  step.kind = Step::Kind::to_planes;
  step.first = step.last = id;
  step.description = "unflatten";
  step.in = in;
  step.out = add_value(id, Layout::blocked);
  program_.steps.push_back(std::move(step));
}

/// A delta program reads both factors of the unchanged run, and omits the delta of an unchanged factor.
void Lowering::lower_multiply(NodeId id) {
  NodeId a = graph_.node(id).inputs[0], b = graph_.node(id).inputs[1];
  Step step;
  step.kind = Step::Kind::product;
  step.first = step.last = id;
  step.description = "multiply";
  if (delta()) {
    if (reach_of(root(a)) == DeltaReach::none) std::swap(a, b);
    step.base = base_value(a);
    step.other_base = base_value(b);
  }
  step.in = delta() ? addend(a) : value(a);
  step.other = delta() ? addend(b) : value(b);
  expect_one_order(id, step.in, step.other, false);
  step.out = shape(id).size() == 2 ? add_features(id, step.in, false) : add_value(id, Layout::blocked);
  program_.steps.push_back(std::move(step));
}

void Lowering::lower_chain(NodeId id, std::string description) {
  Chain chain = begin_chain(id, std::move(description));
  take_batch_norm(chain);
  take_addition(chain);
  take_relu(chain);
  take_curve(chain);
  take_pool(chain);
  Step& step = chain.step;
  step.last = chain.end;
  pack(step, chain.affine);
  add_chain_values(chain);
  if (step.choice.winograd) {
    step.kind = Step::Kind::winograd;
    const int images = program_.value(step.out).extent.batch;
    add_winograd_scratch(program_, step, images, job_.execution.threads);
  } else if (worth_gathering(chain)) {
    gather_convolution(step);
  } else if (chain.linear && chain.sparse) {
    step.kind = Step::Kind::linear_of_planes;
  } else if (chain.linear && delta() && is<op::Relu>(graph_.node(root(graph_.node(id).inputs[0])))) {
    gather(step);
  }
  program_.steps.push_back(std::move(step));
}

Lowering::Chain Lowering::begin_chain(NodeId id, std::string description) {
  const Node& node = graph_.node(id);
  Chain chain;
  chain.end = id;
  chain.linear = is<op::Linear>(node);
  chain.multiplies = chain.linear || is<op::Conv2d>(node);
  chain.sparse = chain.multiplies && reads_planes(id);
  Step& step = chain.step;
  step.first = id;
  step.kind = chain.multiplies ? Step::Kind::convolution : Step::Kind::elementwise;
  step.description = std::move(description);
  step.multiply_adds = multiply_adds(graph_, id, job_.shapes);
  if (chain.sparse) step.multiply_adds /= shape_of_planes(node)[1];
  const bool swapped = is<op::Add>(node) && delta() && reach_of(root(node.inputs[0])) != DeltaReach::dense;
  step.in = chain.sparse ? planes(node.inputs[0]) : value(node.inputs[swapped ? 1 : 0]);
  // A step for which nothing is set copies its input: every operator needs an answer here.
  graph::visit(
      node.op, [&](const op::Conv2d& conv) { step.geometry = geometry_of(conv, shape(node.inputs[0])); },
      [&](const op::BatchNorm& norm) { chain.affine = batch_norm_affine(norm); },
      [&](const op::Add&) {
        step.other = addend(node.inputs[swapped ? 0 : 1]);
        expect_one_order(id, step.in, step.other, chain.multiplies);
      },
      [&](const op::Relu&) { step.relu = true; },
      [&](const op::Curve& curve) { step.curve = kernel_curve(curve); },
      [&](const graph::one_of<op::Linear, op::Identity> auto&) {},
      [&](const graph::one_of<op::Input, op::MaxPool2d, op::AvgPool2d, op::AdaptiveAvgPool2d,
                              op::GlobalMaxPool2d, op::Flatten, op::Unflatten, op::Multiply,
                              op::ChannelMap> auto& op) {
        throw Error("layer " + node.name + ": no chain of steps begins with " + std::string(op_name(op)));
      });
  if (chain.closed() && delta()) step.base = base_value(node.inputs[0]);
  return chain;
}

void Lowering::take(Chain& chain, NodeId node, const char* what) {
  fused_[node] = true;
  chain.end = node;
  chain.step.description += what;
}

void Lowering::take_batch_norm(Chain& chain) {
  if (chain.closed() || kept(chain.end) || !is<op::Conv2d>(graph_.node(chain.end))) return;
  const NodeId next = only_reader(chain.end);
  if (next < 0 || !is<op::BatchNorm>(graph_.node(next))) return;
  chain.affine = batch_norm_affine(std::get<op::BatchNorm>(graph_.node(next).op));
  take(chain, next, " + bn");
}

void Lowering::take_addition(Chain& chain) {
  Step& step = chain.step;
  const bool adds = !(chain.sparse && chain.linear) && step.other == kNone;
  if (chain.closed() || kept(chain.end) || !adds) return;
  const NodeId next = only_reader(chain.end);
  if (next < 0 || !is<op::Add>(graph_.node(next))) return;
  const auto& inputs = graph_.node(next).inputs;
  const NodeId other = root(inputs[0]) == chain.end ? inputs[1] : inputs[0];
  if (root(inputs[0]) == root(inputs[1]) || !available(other)) return;
  step.other = addend(other);
  expect_one_order(next, step.in, step.other, chain.multiplies);
  take(chain, next, " + add");
}

/// If the value before the ReLU is kept, the step stores it too.
void Lowering::take_relu(Chain& chain) {
  if (chain.closed()) return;
  const NodeId next = only_reader(chain.end);
  if (next < 0 || !is<op::Relu>(graph_.node(next))) return;
  chain.step.relu = true;
  if (delta()) chain.step.base = base_value(graph_.node(next).inputs[0]);
  if (kept(chain.end)) chain.before_relu = chain.end;
  take(chain, next, " + relu");
}

void Lowering::take_curve(Chain& chain) {
  Step& step = chain.step;
  if (chain.closed() || (chain.multiplies && delta())) return;
  const NodeId next = only_reader(chain.end);
  if (next < 0 || !is<op::Curve>(graph_.node(next))) return;
  if (chain.multiplies && choose(step.first, program_.value(step.in)).winograd) return;
  const auto& curve = std::get<op::Curve>(graph_.node(next).op);
  step.curve = kernel_curve(curve);
  if (delta()) step.base = base_value(graph_.node(next).inputs[0]);
  if (kept(chain.end)) chain.before_relu = chain.end;
  take(chain, next, (" + " + base::lower(curve_name(curve.kind))).c_str());
}

void Lowering::take_pool(Chain& chain) {
  const NodeId first = chain.step.first;
  if (!is<op::Conv2d>(graph_.node(first)) || kept(chain.end) || delta()) return;
  const NodeId next = only_reader(chain.end);
  const Value& in = program_.value(chain.step.in);
  if (next < 0 || !choose(first, in).winograd || !pools_in_place(next)) return;
  chain.step.pool = true;
  take(chain, next, " + max pool");
}

void Lowering::add_chain_values(Chain& chain) {
  Step& step = chain.step;
  const bool flat = chain.linear || program_.value(step.in).layout == Layout::features;
  const auto add = [&](NodeId node) {
    return flat ? add_features(node, step.in, chain.multiplies) : add_value(node, Layout::blocked);
  };
  if (chain.before_relu >= 0) step.before_relu = add(chain.before_relu);
  step.out = add(chain.end);
}

}  // namespace ablaze::runtime
