#include "runtime/compiled_network.hpp"

#include <algorithm>
#include <set>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "graph/visit.hpp"
#include "runtime/lowering/canonical.hpp"
#include "runtime/lowering/lower.hpp"
#include "threads/threads.hpp"

namespace ablaze::runtime {
namespace {

std::string mebibytes(std::uint64_t bytes) { return std::to_string((bytes + (1U << 20) - 1) >> 20) + " MiB"; }

/// Whether a node's derivative depends on its inputs, so that backward and delta passes need them.
bool needs_inputs(const Node& node) {
  return graph::visit(
      node.op,
      [](const graph::one_of<op::Relu, op::Curve, op::MaxPool2d, op::GlobalMaxPool2d, op::Multiply> auto&) {
        return true;
      },
      [](const graph::one_of<op::Input, op::Conv2d, op::BatchNorm, op::AvgPool2d, op::AdaptiveAvgPool2d,
                             op::Linear, op::Flatten, op::Unflatten, op::Add, op::Identity,
                             op::ChannelMap> auto&) { return false; });
}

void keep_inputs(const Node& node, std::vector<bool>& kept) {
  for (const NodeId in : node.inputs) kept[in] = true;
}

/// Plans a tail's memory again, without overwriting any node's value during a run.
void keep_values(Program& tail) {
  std::vector<ValueId> untouchable{tail.input, tail.output};
  for (const auto& [node, value] : tail.value_of) untouchable.push_back(value);
  tail.arena_floats = 0;
  plan_memory(tail, untouchable, 1);
}

}  // namespace

void release_mapped_files(const Graph& graph) {
  std::set<const base::MappedFile*> files;
  const auto note = [&](std::initializer_list<const Weight*> weights) {
    for (const Weight* weight : weights) files.insert(base::MappedFile::behind(weight->owner()));
  };
  for (const Node& node : graph.nodes()) {
    if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) note({&conv->weight});
    if (const auto* linear = std::get_if<op::Linear>(&node.op)) note({&linear->weight});
  }
  for (const base::MappedFile* file : files) {
    if (file != nullptr) file->release_pages();
  }
}

CompiledNetwork::CompiledNetwork(const Graph& network, SessionOptions wish) : options(std::move(wish)) {
  Execution& execution = options.execution;
  execution.threads = threads::resolve(execution.threads);
  execution.isa = resolve_isa(execution.isa);
  table = &kernels::kernel_table(execution.isa);
  shapes = network.infer_shapes(options.input);
  graph = in_known_operators(network, shapes, options.execution.memory_limit);

  kept.assign(shapes.size(), false);
  for (const std::string& name : options.keep) {
    const NodeId id = graph.find(name);
    resumable.push_back(id);
    kept[id] = true;
  }
  find_needed();
  replayed.assign(shapes.size(), false);
  for (const NodeId id : resumable) keep_boundaries(id);
  if (!resumable.empty()) keep_head_input();

  LoweringJob all = job(LoweringJob::Kind::network, shapes[0][0]);
  all.store = &store;
  program = lower(all);
  check_memory(program, "the activations of an input of " + to_string(options.input));
  release_mapped_files(graph);
}

/// Marks the nodes on which the output or a kept layer depends.
void CompiledNetwork::find_needed() {
  needed = kept;
  needed.back() = true;
  for (NodeId id = graph.output(); id >= 0; --id) {
    if (!needed[id]) continue;
    for (const NodeId in : graph.node(id).inputs) needed[in] = true;
  }
}

/// Keeps the nodes outside the slice behind a layer that the slice reads, such as a skip connection around
/// the layer.
void CompiledNetwork::keep_boundaries(NodeId layer) {
  const std::vector<bool> downstream = graph.downstream(layer);
  for (NodeId id = layer + 1; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (!downstream[id] || !needed[id]) continue;
    replayed[id] = true;
    for (const NodeId in : node.inputs) {
      if (!downstream[in]) kept[in] = true;
    }
    if (options.keep_preactivations && needs_inputs(node)) keep_inputs(node, kept);
  }
}

void CompiledNetwork::keep_head_input() {
  const auto behind_identities = [&](NodeId id) {
    while (std::holds_alternative<op::Identity>(graph.node(id).op)) id = graph.node(id).inputs[0];
    return id;
  };
  const NodeId last = behind_identities(graph.output());
  if (!std::holds_alternative<op::Linear>(graph.node(last).op)) return;
  head = last;
  head_input = behind_identities(graph.node(last).inputs[0]);
  kept[head_input] = true;
}

LoweringJob CompiledNetwork::job(LoweringJob::Kind kind, std::int64_t batch) const {
  LoweringJob job;
  job.kind = kind;
  job.graph = &graph;
  job.shapes = shapes;
  for (Shape& shape : job.shapes) shape[0] = batch;
  job.needed = needed;
  job.kept = kept;
  job.table = table;
  job.execution = options.execution;
  job.replayed = replayed;
  job.direct_replays = !options.keep_preactivations;
  return job;
}

void CompiledNetwork::check_memory(const Program& compiled, const std::string& what) const {
  const std::uint64_t bytes = compiled.arena_floats * sizeof(float);
  if (bytes <= options.execution.memory_limit) return;
  throw Error(what + " take " + mebibytes(bytes) + ", more than the limit of " +
              mebibytes(options.execution.memory_limit) + "; use a smaller image or allow more memory");
}

NodeId CompiledNetwork::kept_node(std::string_view layer) const {
  const NodeId id = graph.find(layer);
  if (program.value_of.count(id) == 0) {
    throw UsageError("layer " + std::string(layer) +
                     " was not kept by this session: add it to SessionOptions::keep");
  }
  return id;
}

const Value& CompiledNetwork::value(NodeId node) const { return program.value(program.value_of.at(node)); }

Shape CompiledNetwork::shape_for(NodeId node, std::int64_t batch) const {
  Shape shape = shapes[node];
  shape[0] = batch;
  return shape;
}

void CompiledNetwork::require_resumable(NodeId from) const {
  if (std::ranges::find(resumable, from) == resumable.end()) {
    throw UsageError("layer " + graph.node(from).name +
                     " was not kept to resume from: add it to SessionOptions::keep");
  }
  if (!graph.downstream(from).back()) {
    throw UsageError("the network's output does not depend on layer " + graph.node(from).name);
  }
}

void CompiledNetwork::require_replacement(NodeId from, std::string_view layer,
                                          const Shape& replacement) const {
  const Shape& shape = shapes[from];
  const std::int64_t batch = replacement.empty() ? 0 : replacement[0];
  if (batch < 1 || replacement != shape_for(from, batch)) {
    throw Error("layer " + std::string(layer) + " is " + to_string(shape) +
                " (any batch); its replacement is " + to_string(replacement));
  }
  if (shape[0] != 1 && shape[0] != batch) {
    throw Error("expected a replacement of " + std::to_string(shape[0]) + " images as in the trace, found " +
                std::to_string(batch));
  }
}

std::shared_ptr<const Program> CompiledNetwork::tail(NodeId from, std::int64_t batch,
                                                     bool keep_decisions) const {
  const std::scoped_lock lock(tails_mutex_);
  auto& compiled = tails_[{from, batch, keep_decisions}];
  if (compiled != nullptr) return compiled;
  require_resumable(from);
  LoweringJob part = job(LoweringJob::Kind::tail, batch);
  WeightStore packed = store;  // shares the weights; a tail packs none
  part.store = &packed;
  part.from = from;
  part.whole = &program;
  if (keep_decisions) {
    for (NodeId id = from + 1; id < graph.size(); ++id) {
      if (needs_inputs(graph.node(id))) keep_inputs(graph.node(id), part.kept);
    }
  }
  auto result = std::make_shared<Program>(lower(part));
  if (keep_decisions) keep_values(*result);
  check_memory(*result,
               "a batch of " + std::to_string(batch) + " behind layer " + graph.node(from).name + " would");
  return compiled = result;
}

}  // namespace ablaze::runtime
