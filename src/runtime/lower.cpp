#include <ablaze/error.hpp>
#include <algorithm>

#include "runtime/program.hpp"

// Lowering: which nodes become one step, which values lie where.
//
// A chain conv/linear -> BatchNorm -> Add -> ReLU (each part may be missing) becomes one step as long as
// every value inside the chain has one reader and nobody asked to keep it; the value before the ReLU may be
// kept all the same, by a second store. A tail makes the same choices as the whole network, so that resuming
// gives the same bits.
//
// A delta program computes the dense nodes behind a layer on changes: linear operators without their biases,
// ReLUs and max-pools against the untouched run's inputs (Step::base). Where an operator reads a
// channel-local node, it reads that node's changed planes, which the caller fills.

namespace ablaze::runtime {
namespace {

template <class T>
bool is(const Node& node) {
  return std::holds_alternative<T>(node.op);
}

class Lowering {
 public:
  explicit Lowering(const LoweringJob& job) : job_(job), graph_(*job.graph) {}

  Program run() {
    find_roots();
    count_readers();
    find_borders();
    if (delta()) {
      program_.changes = true;
    } else if (tail()) {
      Value start = job_.whole->values[static_cast<std::size_t>(job_.whole->value_of.at(job_.from))];
      start.extent.batch = static_cast<int>(shape(job_.from)[0]);
      start.storage = kNone;
      program_.input = add_value(job_.from, start);
    } else {
      lower_input();
    }
    for (NodeId id = 0; id < graph_.size(); ++id) {
      if (computed(id) && root(id) == id && !fused_[static_cast<std::size_t>(id)]) lower_node(id);
    }
    for (NodeId id = 0; id < graph_.size(); ++id) {  // an Identity reads as what it passes on
      const auto it = program_.value_of.find(root(id));
      if (it != program_.value_of.end()) program_.value_of[id] = it->second;
    }
    program_.output = program_.value_of.at(result());
    plan();
    return std::move(program_);
  }

 private:
  bool tail() const { return job_.whole != nullptr; }
  bool delta() const { return !job_.changes.empty(); }
  NodeId result() const { return delta() ? job_.result : graph_.output(); }
  Change change(NodeId id) const { return job_.changes[static_cast<std::size_t>(id)]; }
  NodeId root(NodeId id) const { return roots_[static_cast<std::size_t>(id)]; }
  const Shape& shape(NodeId id) const { return job_.shapes[static_cast<std::size_t>(id)]; }
  bool needed(NodeId id) const { return job_.needed[static_cast<std::size_t>(id)]; }
  bool kept(NodeId id) const { return kept_[static_cast<std::size_t>(id)]; }
  bool computed(NodeId id) const { return computed_[static_cast<std::size_t>(id)]; }

  /// Sees through Identity nodes, and decides what this program computes.
  void find_roots() {
    const std::size_t count = static_cast<std::size_t>(graph_.size());
    kept_.assign(count, false);
    computed_.assign(count, false);
    fused_.assign(count, false);
    const std::vector<bool> downstream = graph_.downstream(job_.from);
    for (NodeId id = 0; id < graph_.size(); ++id) {
      const Node& node = graph_.node(id);
      kept_[static_cast<std::size_t>(id)] =
          delta() ? id == job_.from : job_.kept[static_cast<std::size_t>(id)];
      // A kept Identity is a value of its own: replacing it must not replace what else reads its source.
      roots_.push_back(is<op::Identity>(node) && !kept(id) ? root(node.inputs[0]) : id);
      const bool behind = downstream[static_cast<std::size_t>(id)] && id != job_.from;
      computed_[static_cast<std::size_t>(id)] =
          delta() ? change(id) == Change::dense : needed(id) && id != 0 && (!tail() || behind);
    }
    kept_[static_cast<std::size_t>(root(result()))] = true;
  }

  /// Readers in the whole network, so that a tail fuses what the whole network fuses; a delta program's are
  /// its own.
  void count_readers() {
    readers_.assign(roots_.size(), {});
    for (NodeId id = 0; id < graph_.size(); ++id) {
      if (!(delta() ? computed(id) : needed(id)) || root(id) != id) continue;
      for (const NodeId in : graph_.node(id).inputs)
        readers_[static_cast<std::size_t>(root(in))].push_back(id);
    }
  }

  /// A value needs the widest border that one of its convolutions pads with.
  void find_borders() {
    borders_.assign(roots_.size(), {0, 0});
    for (NodeId id = 0; id < graph_.size(); ++id) {
      const auto* conv = std::get_if<op::Conv2d>(&graph_.node(id).op);
      if (conv == nullptr || !needed(id)) continue;
      auto& border = borders_[static_cast<std::size_t>(root(graph_.node(id).inputs[0]))];
      for (std::size_t axis = 0; axis < 2; ++axis) border[axis] = std::max(border[axis], conv->padding[axis]);
    }
  }

  ValueId add_value(NodeId node, Layout layout) {
    const Shape& s = shape(node);
    Value value;
    value.layout = layout;
    value.extent = {static_cast<int>(s[0]), static_cast<int>(s[1]),
                    s.size() == 4 ? static_cast<int>(s[2]) : 1, s.size() == 4 ? static_cast<int>(s[3]) : 1};
    if (s.size() == 2) value.layout = Layout::features;
    if (value.layout != Layout::features) {
      value.border_y = borders_[static_cast<std::size_t>(node)][0];
      value.border_x = borders_[static_cast<std::size_t>(node)][1];
    }
    return add_value(node, value);
  }

  ValueId add_value(NodeId node, Value value) {
    const ValueId id = static_cast<ValueId>(program_.values.size());
    if (value.storage == kNone && value.home == Home::own) value.storage = id;
    program_.values.push_back(value);
    program_.value_of[node] = id;
    return id;
  }

  /// A first convolution reads planar pictures; anything else reads blocks.
  void lower_input() {
    const auto& readers = readers_[0];
    const bool planar = std::ranges::all_of(readers, [&](NodeId id) {
      const auto* conv = std::get_if<op::Conv2d>(&graph_.node(id).op);
      return conv != nullptr && conv->groups == 1;
    });
    const bool narrow = shape(0)[1] < kernels::kBlock;
    program_.input = add_value(0, planar && narrow && !kept(0) ? Layout::planar : Layout::blocked);
  }

  /// A channel-local node's changed planes: [C][H][W], filled by the caller.
  ValueId planes(NodeId node) {
    const auto found = program_.planes.find(root(node));
    if (found != program_.planes.end()) return found->second;
    const Shape& s = shape(node);
    Value value;
    value.layout = Layout::planar;
    value.home = Home::planes;
    value.extent = {1, static_cast<int>(s[1]), s.size() == 4 ? static_cast<int>(s[2]) : 1,
                    s.size() == 4 ? static_cast<int>(s[3]) : 1};
    if (s.size() == 2) value.extent = flattened_planes(node);
    const auto& border = borders_[static_cast<std::size_t>(root(node))];
    value.border_y = border[0], value.border_x = border[1];
    value.offset = program_.plane_floats;
    // Whole blocks of planes: a linear layer reads a few at a time.
    program_.plane_floats +=
        static_cast<std::size_t>(value.block() * value.extent.blocks() * kernels::kBlock);
    const ValueId id = static_cast<ValueId>(program_.values.size());
    program_.values.push_back(value);
    program_.planes[root(node)] = id;
    return id;
  }

  /// The planes that a flattened channel-local node was made of.
  kernels::Extent flattened_planes(NodeId node) const {
    const Shape& columns = shape(node);
    while (shape(node).size() != 4) node = graph_.node(node).inputs[0];
    const Shape& s = shape(node);
    if (s[1] * s[2] * s[3] != columns[1])
      throw Error("layer " + graph_.node(node).name + ": its flattened planes have lost their channels");
    return {1, static_cast<int>(s[1]), static_cast<int>(s[2]), static_cast<int>(s[3])};
  }

  /// What the untouched run left of a node, for the ReLU or max-pool that reads it; every image reads it.
  ValueId base_value(NodeId node) {
    const auto found = job_.whole->value_of.find(node);
    if (found == job_.whole->value_of.end())
      throw Error("layer " + graph_.node(node).name + " was not kept for what follows it");
    Value base = job_.whole->values[static_cast<std::size_t>(found->second)];
    base.home = Home::trace;
    program_.values.push_back(base);
    return static_cast<ValueId>(program_.values.size()) - 1;
  }

  /// Whether a step multiplies changed planes, which are few, rather than a whole state.
  bool reads_planes(NodeId node) const {
    return delta() && change(root(graph_.node(node).inputs[0])) == Change::local;
  }

  /// What an addition adds to the other summand; kNone where that does not change.
  ValueId addend(NodeId node) {
    if (!delta() || change(root(node)) == Change::dense) return value(node);
    if (change(root(node)) == Change::none) return kNone;
    Step step;
    step.kind = Step::Kind::scatter;
    step.first = step.last = root(node);
    step.description = "scatter";
    step.in = planes(node);
    Value among_zeros = program_.values[static_cast<std::size_t>(step.in)];
    among_zeros.layout = shape(node).size() == 4 ? Layout::blocked : Layout::features;
    among_zeros.home = Home::own;
    among_zeros.border_y = among_zeros.border_x = 0;
    among_zeros.extent.batch = static_cast<int>(shape(node)[0]);
    among_zeros.storage = step.out = static_cast<ValueId>(program_.values.size());
    among_zeros.offset = 0;
    program_.values.push_back(among_zeros);
    program_.steps.push_back(step);
    return step.out;
  }

  /// The value that a node's output has, bringing in what the whole network's run left where a tail reads it.
  ValueId value(NodeId node) {
    const NodeId id = root(node);
    const auto it = program_.value_of.find(id);
    if (it != program_.value_of.end()) return it->second;
    const auto kept_value = tail() ? job_.whole->value_of.find(id) : program_.value_of.end();
    if (!tail() || kept_value == job_.whole->value_of.end())
      throw Error("layer " + graph_.node(id).name + " is read before it is computed");
    Value outside = job_.whole->values[static_cast<std::size_t>(kept_value->second)];
    outside.home = Home::trace;
    const int batch = static_cast<int>(shape(job_.from)[0]);
    if (outside.layout != Layout::features || outside.extent.batch == batch) return add_value(id, outside);
    const ValueId one = static_cast<ValueId>(program_.values.size());
    program_.values.push_back(outside);
    Step step;
    step.kind = Step::Kind::spread;
    step.first = step.last = id;
    step.description = "repeat";
    step.in = one;
    outside.home = Home::own;
    outside.storage = kNone;
    outside.extent.batch = batch;
    const ValueId spread = add_value(id, outside);
    step.out = spread;
    program_.steps.push_back(std::move(step));
    return spread;
  }

  /// The one computed reader that may take this value over, or -1.
  NodeId only_reader(NodeId id) const {
    const auto& readers = readers_[static_cast<std::size_t>(id)];
    return readers.size() == 1 && computed(readers[0]) ? readers[0] : -1;
  }

  bool available(NodeId node) const {
    const NodeId id = root(node);
    return program_.value_of.count(id) != 0 || (tail() && !computed(id));
  }

  void lower_node(NodeId id) {
    const Node& node = graph_.node(id);
    if (is<op::Conv2d>(node)) return lower_chain(id, convolution_name(std::get<op::Conv2d>(node.op)));
    if (is<op::Linear>(node)) return lower_chain(id, "linear");
    if (is<op::BatchNorm>(node)) return lower_chain(id, "bn");
    if (is<op::Add>(node)) return lower_chain(id, "add");
    if (is<op::Relu>(node)) return lower_chain(id, "relu");
    if (is<op::Identity>(node)) return lower_chain(id, "copy");
    if (is<op::MaxPool2d>(node)) return lower_plain(id, Step::Kind::max_pool, "max pool");
    if (is<op::AvgPool2d>(node)) return lower_plain(id, Step::Kind::average_pool, "average pool");
    if (is<op::AdaptiveAvgPool2d>(node)) {
      return lower_plain(id, Step::Kind::adaptive_average_pool, "adaptive average pool");
    }
    if (is<op::Flatten>(node)) return lower_flatten(id);
    throw Error("layer " + node.name + ": the engine has no kernel for " + std::string(op_name(node.op)));
  }

  static std::string convolution_name(const op::Conv2d& conv) {
    std::string name =
        "conv " + std::to_string(conv.weight.shape()[2]) + "x" + std::to_string(conv.weight.shape()[3]);
    if (conv.stride[0] > 1) name += "/" + std::to_string(conv.stride[0]);
    if (conv.groups > 1) name += " g" + std::to_string(conv.groups);
    return name;
  }

  void lower_plain(NodeId id, Step::Kind kind, const char* description) {
    Step step;
    step.kind = kind;
    step.first = step.last = id;
    step.description = description;
    step.in = value(graph_.node(id).inputs[0]);
    if (delta() && kind == Step::Kind::max_pool) step.base = base_value(graph_.node(id).inputs[0]);
    step.out = add_value(id, Layout::blocked);
    program_.steps.push_back(std::move(step));
  }

  void lower_flatten(NodeId id) {
    const ValueId in = value(graph_.node(id).inputs[0]);
    Value flat = program_.values[static_cast<std::size_t>(in)];
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
    flat.home = Home::own;
    flat.storage = kNone;
    Step step;
    step.kind = Step::Kind::to_features;
    step.first = step.last = id;
    step.description = "flatten";
    step.in = in;
    step.out = add_value(id, flat);
    program_.steps.push_back(std::move(step));
  }

  /// conv | linear | bn | add | relu, and what of bn -> add -> relu can follow in the same step.
  void lower_chain(NodeId id, std::string description) {
    const Node& node = graph_.node(id);
    const bool multiplies = is<op::Conv2d>(node) || is<op::Linear>(node);
    Step step;
    step.first = id;
    step.kind = multiplies ? Step::Kind::convolution : Step::Kind::elementwise;
    step.multiply_adds = multiply_adds(graph_, id, job_.shapes);
    const bool sparse = multiplies && reads_planes(id);
    if (sparse) step.multiply_adds /= shape_of_planes(node)[1];
    const bool swapped = is<op::Add>(node) && delta() && change(root(node.inputs[0])) != Change::dense;
    step.in = sparse ? planes(node.inputs[0]) : value(node.inputs[swapped ? 1 : 0]);
    Affine affine;
    if (const auto* norm = std::get_if<op::BatchNorm>(&node.op)) affine = batch_norm_affine(*norm);
    if (is<op::Add>(node)) {
      step.other = addend(node.inputs[swapped ? 0 : 1]);
      expect_one_order(id, step.in, step.other, multiplies);
    }
    step.relu = is<op::Relu>(node);
    if (step.relu && delta()) step.base = base_value(node.inputs[0]);

    NodeId end = id;
    const auto take = [&](NodeId reader) {
      fused_[static_cast<std::size_t>(reader)] = true;
      end = reader;
    };
    NodeId next = step.relu || kept(end) ? -1 : only_reader(end);
    if (next >= 0 && is<op::Conv2d>(node) && is<op::BatchNorm>(graph_.node(next))) {
      affine = batch_norm_affine(std::get<op::BatchNorm>(graph_.node(next).op));
      description += " + bn";
      take(next);
      next = kept(end) ? -1 : only_reader(end);
    }
    const bool adds = !(sparse && is<op::Linear>(node));
    if (next >= 0 && adds && step.other == kNone && is<op::Add>(graph_.node(next))) {
      const auto& inputs = graph_.node(next).inputs;
      const NodeId other = root(inputs[0]) == end ? inputs[1] : inputs[0];
      if (root(inputs[0]) != root(inputs[1]) && available(other)) {
        step.other = addend(other);
        expect_one_order(next, step.in, step.other, multiplies);
        description += " + add";
        take(next);
      }
    }
    next = step.relu ? -1 : only_reader(end);  // a value kept before the ReLU gets a second store
    NodeId before_relu = -1;
    if (next >= 0 && is<op::Relu>(graph_.node(next))) {
      step.relu = true;
      description += " + relu";
      if (delta()) step.base = base_value(graph_.node(next).inputs[0]);
      if (kept(end)) before_relu = end;
      take(next);
    }
    if (is<op::Conv2d>(node) && !kept(end) && !delta()) {
      next = only_reader(end);
      if (next >= 0 && choose(id, program_.values[static_cast<std::size_t>(step.in)]).winograd &&
          pools_in_place(next)) {
        step.pool = true;
        description += " + max pool";
        take(next);
      }
    }
    step.last = end;
    step.description = std::move(description);
    pack(step, affine);
    if (is<op::Linear>(node) ||
        program_.values[static_cast<std::size_t>(step.in)].layout == Layout::features) {
      if (before_relu >= 0) step.before_relu = add_features(before_relu, step.in, multiplies);
      step.out = add_features(end, step.in, multiplies);
    } else {
      if (before_relu >= 0) step.before_relu = add_value(before_relu, Layout::blocked);
      step.out = add_value(end, Layout::blocked);
    }
    if (step.choice.winograd) {
      step.kind = Step::Kind::winograd;
      add_scratch(step);
    } else if (is<op::Linear>(node) && sparse) {
      step.kind = Step::Kind::linear_of_planes;
    } else if (is<op::Linear>(node) && delta() && is<op::Relu>(graph_.node(root(node.inputs[0])))) {
      gather(step);
    }
    program_.steps.push_back(std::move(step));
  }

  /// Flattened planes and plain rows order their features differently; adding them up needs one order.
  void expect_one_order(NodeId add, ValueId in, ValueId other, bool in_becomes_plain) const {
    if (other == kNone) return;
    const auto area = [&](ValueId id) {
      const Value& v = program_.values[static_cast<std::size_t>(id)];
      return v.layout == Layout::features ? v.extent.h * v.extent.w : 1;
    };
    if ((in_becomes_plain ? 1 : area(in)) != area(other)) {
      throw Error("layer " + graph_.node(add).name + ": adding flattened planes to rows is not supported");
    }
  }

  /// Elementwise steps keep the order of features that their input has; a linear layer's output is plain.
  ValueId add_features(NodeId node, ValueId in, bool multiplies) {
    if (multiplies) return add_value(node, Layout::features);
    Value value = program_.values[static_cast<std::size_t>(in)];
    value.home = Home::own;
    value.storage = kNone;
    value.extent.batch = static_cast<int>(shape(node)[0]);
    return add_value(node, value);
  }

  void pack(Step& step, const Affine& affine) {
    const Node& node = graph_.node(step.first);
    const Value& in = program_.values[static_cast<std::size_t>(step.in)];
    if (step.kind == Step::Kind::elementwise) {
      if (affine.scale.empty()) return;
      if (in.layout == Layout::features && in.extent.h * in.extent.w != 1) {
        throw Error("layer " + node.name + ": BatchNorm over flattened planes is not supported");
      }
      step.affine = pack_affine(affine.scale, affine.shift);
      return;
    }
    step.choice = choose(step.first, in);
    using Form = PackedWeights::Form;
    const bool planar = in.layout == Layout::planar && is<op::Conv2d>(node);
    const Form form = step.choice.winograd ? Form::winograd : planar ? Form::planar : Form::blocked;
    auto& packed = (*job_.store)[step.first];
    const int tile_blocks = job_.table->out_blocks_per_tile;
    if (packed == nullptr || !lies(*packed, form, step.choice.side)) {
      program_.packed_bytes += packed_size(node, form, step.choice.side, in.extent, tile_blocks);
      if (!job_.pack) return;
      if (form == Form::winograd) {
        packed = pack_winograd(node, step.choice.side, tile_blocks, affine.scale, affine.shift, job_.threads);
      } else if (is<op::Linear>(node)) {
        // What is run again behind a kept layer runs in batches, whose pace is not the memory's.
        const bool keep_half = job_.table->half_weights && kernels::keep_half(in.extent.batch) &&
                               !job_.replayed[static_cast<std::size_t>(step.first)];
        packed = pack_linear(node, in.extent, tile_blocks, keep_half, job_.threads);
      } else {
        packed = pack_convolution(node, planar, tile_blocks, affine.scale, affine.shift, job_.threads);
      }
    }
    step.packed = packed;
  }

  const Shape& shape_of_planes(const Node& reader) const {
    NodeId id = reader.inputs[0];
    while (shape(id).size() != 4) id = graph_.node(id).inputs[0];
    return shape(id);
  }

  /// A linear layer behind a ReLU: units that are dead in the untouched picture mostly stay so.
  void gather(Step& step) {
    const Value& in = program_.values[static_cast<std::size_t>(step.in)];
    step.kind = Step::Kind::gathered_linear;
    step.phases = 3;
    step.columns = program_.columns;
    program_.columns += static_cast<std::size_t>(in.blocks());
    Value scratch;  // the gathered state, and a group's gathered weights for each thread
    scratch.layout = Layout::scratch;
    scratch.scratch_floats =
        std::ptrdiff_t{in.blocks()} * kernels::kBlock *
        (in.extent.batch + std::ptrdiff_t{job_.threads} * job_.table->out_blocks_per_tile * kernels::kBlock);
    scratch.storage = step.scratch = static_cast<int>(program_.values.size());
    program_.values.push_back(scratch);
  }

  /// Whether a node is the max-pool that Winograd's epilogue can do: 2x2, stride 2, nothing hanging over.
  bool pools_in_place(NodeId id) const {
    const auto* pool = std::get_if<op::MaxPool2d>(&graph_.node(id).op);
    if (pool == nullptr) return false;
    const std::array<int, 2> zeros{0, 0}, ones{1, 1}, twos{2, 2};
    const Shape& in = shape(graph_.node(id).inputs[0]);
    const bool even = in[2] % 2 == 0 && in[3] % 2 == 0;
    return pool->kernel == twos && pool->stride == twos && pool->padding == zeros && pool->dilation == ones &&
           (even || !pool->ceil_mode);
  }

  /// Winograd's rounding errors are those of the values it works on. Where drops are differences of two runs,
  /// what is run again behind a kept layer stays direct, in the first run too; changes keep their digits.
  kernels::Choice choose(NodeId id, const Value& in) const {
    const auto* conv = std::get_if<op::Conv2d>(&graph_.node(id).op);
    const bool direct =
        !job_.winograd || (job_.direct_replays && job_.replayed[static_cast<std::size_t>(id)]);
    if (conv == nullptr || direct) return {};
    const Shape& weight = conv->weight.shape();
    const std::array<int, 2> ones{1, 1};
    const bool fits = weight[2] == 3 && weight[3] == 3 && conv->stride == ones && conv->dilation == ones &&
                      conv->groups == 1 && in.layout == Layout::blocked;
    if (!fits) return {};
    const Shape& out = shape(id);
    const PackedWeights* packed = packed_so_far(id);
    const bool transformed = packed != nullptr && packed->form == PackedWeights::Form::winograd;
    if (tail() && !transformed && !job_.transform_weights) return {};
    kernels::Choice choice =
        kernels::choose({static_cast<int>(out[0]), static_cast<int>(weight[1]), static_cast<int>(weight[0]),
                         static_cast<int>(out[2]), static_cast<int>(out[3])},
                        job_.isa, job_.threads);
    const bool as_packed = transformed && choice.winograd && choice.side == packed->side;
    if (transformed && !as_packed && !job_.transform_weights) choice = {true, packed->side, 0, 256};
    return choice;
  }

  const PackedWeights* packed_so_far(NodeId id) const {
    const auto found = job_.store->find(id);
    return found != job_.store->end() ? found->second.get() : nullptr;
  }

  static bool lies(const PackedWeights& packed, PackedWeights::Form form, int side) {
    return packed.form == form && (form != PackedWeights::Form::winograd || packed.side == side);
  }

  /// The working memory of a Winograd step: one block a thread, or one chunk for all.
  void add_scratch(Step& step) {
    const Value& in = program_.values[static_cast<std::size_t>(step.in)];
    const Value& out = program_.values[static_cast<std::size_t>(step.out)];
    const Shape& convolved = shape(step.first);
    const kernels::Choice& choice = step.choice;
    const int side = choice.side;
    const std::ptrdiff_t a_tile =
        std::ptrdiff_t{(side + 2) * (side + 2)} * (in.blocks() + out.blocks()) * kernels::kBlock;
    const int tiles = out.extent.batch *
                      static_cast<int>((convolved[2] + side - 1) / side * ((convolved[3] + side - 1) / side));
    if (choice.block_tiles == 0) step.phases = 3 * ((tiles + choice.chunk_tiles - 1) / choice.chunk_tiles);
    Value scratch;
    scratch.layout = Layout::scratch;
    scratch.scratch_floats =
        a_tile * (choice.block_tiles > 0 ? choice.block_tiles * job_.threads : chunk_stride(choice, tiles));
    scratch.storage = static_cast<int>(program_.values.size());
    step.scratch = scratch.storage;
    program_.values.push_back(scratch);
  }

  void plan() {
    std::vector<ValueId> untouchable{program_.output};
    if (tail() && !delta()) untouchable.push_back(program_.input);
    for (const auto& [node, value] : program_.value_of) {
      if (!tail() && kept(node)) untouchable.push_back(value);
    }
    plan_memory(program_, untouchable);
    // What was not kept is overwritten during a run and cannot be read after it.
    std::erase_if(program_.value_of, [&](const auto& entry) { return !kept(root(entry.first)); });
  }

  const LoweringJob& job_;
  const Graph& graph_;
  Program program_;
  std::vector<NodeId> roots_;
  std::vector<bool> kept_, computed_;
  std::vector<bool> fused_;  // into an earlier node's step
  std::vector<std::vector<NodeId>> readers_;
  std::vector<std::array<int, 2>> borders_;
};

}  // namespace

std::ptrdiff_t Value::row() const {
  if (layout == Layout::features) return static_cast<std::ptrdiff_t>(extent.batch) * kernels::kBlock;
  const int pixel = layout == Layout::planar ? 1 : kernels::kBlock;
  return static_cast<std::ptrdiff_t>(extent.w + 2 * border_x) * pixel;
}

std::ptrdiff_t Value::block() const {
  return layout == Layout::features ? row() : row() * (extent.h + 2 * border_y);
}

std::ptrdiff_t Value::batch() const {
  if (layout == Layout::features) return 0;
  return block() * (layout == Layout::planar ? extent.channels : extent.blocks());
}

int chunk_stride(const kernels::Choice& choice, int tiles) {
  // Odd, so that the planes do not fall into the same cache sets.
  return std::min(choice.chunk_tiles, tiles) | 1;
}

std::ptrdiff_t Value::floats() const {
  if (layout == Layout::scratch) return scratch_floats;
  return layout == Layout::features ? block() * blocks() : batch() * extent.batch;
}

std::ptrdiff_t Value::origin() const {
  if (layout == Layout::features) return 0;
  return border_y * row() + border_x * (layout == Layout::planar ? 1 : kernels::kBlock);
}

Program lower(const LoweringJob& job) { return Lowering(job).run(); }

}  // namespace ablaze::runtime
