#include <algorithm>

#include <ablaze/error.hpp>

#include "runtime/lowering/lowering.hpp"

namespace ablaze::runtime {

ValueId Lowering::add_value(NodeId node, Layout layout) {
  const Shape& s = shape(node);
  Value value;
  value.layout = layout;
  value.extent = {static_cast<int>(s[0]), static_cast<int>(s[1]), s.size() == 4 ? static_cast<int>(s[2]) : 1,
                  s.size() == 4 ? static_cast<int>(s[3]) : 1};
  if (s.size() == 2) value.layout = Layout::features;
  if (value.layout != Layout::features) {
    value.border_y = borders_[node][0];
    value.border_x = borders_[node][1];
  }
  return add_value(node, value);
}

ValueId Lowering::add_value(NodeId node, Value value) {
  const ValueId id = static_cast<ValueId>(program_.values.size());
  if (value.storage == kNone && value.arena == Arena::own) value.storage = id;
  program_.values.push_back(value);
  program_.value_of[node] = id;
  return id;
}

void Lowering::lower_input() {
  const auto& readers = readers_[0];
  const bool planar = std::ranges::all_of(readers, [&](NodeId id) {
    const auto* conv = std::get_if<op::Conv2d>(&graph_.node(id).op);
    return conv != nullptr && conv->groups == 1;
  });
  const bool narrow = shape(0)[1] < kernels::kBlock;
  program_.input = add_value(0, planar && narrow && !kept(0) ? Layout::planar : Layout::blocked);
}

ValueId Lowering::planes(NodeId node) {
  const auto found = program_.planes.find(root(node));
  if (found != program_.planes.end()) return found->second;
  const Shape& s = shape(node);
  Value value;
  value.layout = Layout::planar;
  value.arena = Arena::planes;
  value.extent = {1, static_cast<int>(s[1]), s.size() == 4 ? static_cast<int>(s[2]) : 1,
                  s.size() == 4 ? static_cast<int>(s[3]) : 1};
  if (s.size() == 2) value.extent = flattened_planes(node);
  const auto& border = borders_[root(node)];
  value.border_y = border[0], value.border_x = border[1];
  value.offset = program_.plane_floats;
  // Whole blocks of planes, because a linear layer reads several planes together.
  program_.plane_floats +=
      static_cast<std::uint64_t>(value.block() * value.extent.blocks() * kernels::kBlock);
  const ValueId id = static_cast<ValueId>(program_.values.size());
  program_.values.push_back(value);
  program_.planes[root(node)] = id;
  return id;
}

NodeId Lowering::source_of_planes(NodeId node) const {
  while (shape(node).size() != 4) {
    const auto& inputs = graph_.node(node).inputs;
    const auto changes = [&](NodeId in) { return reach_of(root(in)) != DeltaReach::none; };
    node = *std::ranges::find_if(inputs, changes);
  }
  return node;
}

kernels::Extent Lowering::flattened_planes(NodeId node) const {
  const Shape& columns = shape(node);
  node = source_of_planes(node);
  const Shape& s = shape(node);
  if (s[1] * s[2] * s[3] != columns[1])
    throw Error("layer " + graph_.node(node).name + ": its flattened planes have lost their channels");
  return {1, static_cast<int>(s[1]), static_cast<int>(s[2]), static_cast<int>(s[3])};
}

ValueId Lowering::base_value(NodeId node) {
  const auto found = job_.whole->value_of.find(node);
  if (found == job_.whole->value_of.end())
    throw Error("layer " + graph_.node(node).name + " was not kept for what follows it");
  Value base = job_.whole->value(found->second);
  base.arena = Arena::trace;
  program_.values.push_back(base);
  return static_cast<ValueId>(program_.values.size()) - 1;
}

bool Lowering::reads_planes(NodeId node) const {
  return delta() && reach_of(root(graph_.node(node).inputs[0])) == DeltaReach::channel;
}

ValueId Lowering::addend(NodeId node) {
  if (!delta() || reach_of(root(node)) == DeltaReach::dense) return value(node);
  if (reach_of(root(node)) == DeltaReach::none) return kNone;
  Step step;
  step.kind = Step::Kind::scatter;
  step.first = step.last = root(node);
  step.description = "scatter";
  step.in = planes(node);
  Value among_zeros = program_.value(step.in);
  among_zeros.layout = shape(node).size() == 4 ? Layout::blocked : Layout::features;
  among_zeros.arena = Arena::own;
  among_zeros.border_y = among_zeros.border_x = 0;
  among_zeros.extent.batch = static_cast<int>(shape(node)[0]);
  among_zeros.storage = step.out = static_cast<ValueId>(program_.values.size());
  among_zeros.offset = 0;
  program_.values.push_back(among_zeros);
  program_.steps.push_back(step);
  return step.out;
}

ValueId Lowering::value(NodeId node) {
  const NodeId id = root(node);
  const auto it = program_.value_of.find(id);
  if (it != program_.value_of.end()) return it->second;
  const auto kept_value = partial() ? job_.whole->value_of.find(id) : program_.value_of.end();
  if (!partial() || kept_value == job_.whole->value_of.end())
    throw Error("layer " + graph_.node(id).name + " is read before it is computed");
  Value outside = job_.whole->value(kept_value->second);
  outside.arena = Arena::trace;
  const int batch = static_cast<int>(shape(job_.from)[0]);
  if (outside.layout != Layout::features || outside.extent.batch == batch) return add_value(id, outside);
  const ValueId one = static_cast<ValueId>(program_.values.size());
  program_.values.push_back(outside);
  Step step;
  step.kind = Step::Kind::spread;
  step.first = step.last = id;
  step.description = "repeat";
  step.in = one;
  outside.arena = Arena::own;
  outside.storage = kNone;
  outside.extent.batch = batch;
  const ValueId spread = add_value(id, outside);
  step.out = spread;
  program_.steps.push_back(std::move(step));
  return spread;
}

void Lowering::expect_one_order(NodeId add, ValueId in, ValueId other, bool in_becomes_plain) const {
  if (other == kNone) return;
  const auto area = [&](ValueId id) {
    const Value& v = program_.value(id);
    return v.layout == Layout::features ? v.extent.h * v.extent.w : 1;
  };
  if ((in_becomes_plain ? 1 : area(in)) != area(other)) {
    throw Error("layer " + graph_.node(add).name + ": adding flattened planes to rows is not supported");
  }
}

ValueId Lowering::add_features(NodeId node, ValueId in, bool multiplies) {
  if (multiplies) return add_value(node, Layout::features);
  Value value = program_.value(in);
  value.arena = Arena::own;
  value.storage = kNone;
  value.extent.batch = static_cast<int>(shape(node)[0]);
  return add_value(node, value);
}

}  // namespace ablaze::runtime
