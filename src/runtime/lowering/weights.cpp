#include <algorithm>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "runtime/execution/gathered_convolution.hpp"
#include "runtime/lowering/lowering.hpp"

namespace ablaze::runtime {
namespace {

/// After packing, the mapped pages of a layer's weights only take memory.
void release_mapped_weights(const Node& node) {
  const auto release = [](const Weight& weight) { base::release_pages(weight.owner(), weight.bytes()); };
  if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) release(conv->weight);
  if (const auto* linear = std::get_if<op::Linear>(&node.op)) release(linear->weight);
}

}  // namespace

void Lowering::pack(Step& step, const Affine& affine) {
  const Node& node = graph_.node(step.first);
  const Value& in = program_.value(step.in);
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
  const std::uint64_t bytes = packed_size(node, form, step.choice.side, in.extent, tile_blocks);
  step.weight_floats = static_cast<std::ptrdiff_t>(bytes / sizeof(float));
  if (packed == nullptr || !has_form(*packed, form, step.choice.side)) {
    program_.packed_bytes += bytes;
    if (!job_.pack) return;
    if (form == Form::winograd) {
      packed = pack_winograd(node, step.choice.side, tile_blocks, affine.scale, affine.shift, job_.execution);
    } else if (is<op::Linear>(node)) {
      // Replayed nodes run in batches, which are not limited by memory bandwidth.
      const bool keep_half =
          job_.table->half_weights && kernels::keep_half(in.extent.batch) && !job_.replayed[step.first];
      packed = pack_linear(node, in.extent, tile_blocks, keep_half, job_.execution);
    } else {
      packed = pack_convolution(node, planar, tile_blocks, affine.scale, affine.shift, job_.execution);
    }
    release_mapped_weights(node);
  }
  step.packed = packed;
}

const Shape& Lowering::shape_of_planes(const Node& reader) const {
  return shape(source_of_planes(reader.inputs[0]));
}

void Lowering::gather(Step& step) {
  const Value& in = program_.value(step.in);
  step.kind = Step::Kind::gathered_linear;
  step.phases = 3;
  step.columns = program_.columns;
  program_.columns += static_cast<std::size_t>(in.blocks());
  Value scratch;  // the gathered state, and one group's gathered weights per thread
  scratch.layout = Layout::scratch;
  scratch.scratch_floats = std::ptrdiff_t{in.blocks()} * kernels::kBlock *
                           (in.extent.batch + std::ptrdiff_t{job_.execution.threads} *
                                                  job_.table->out_blocks_per_tile * kernels::kBlock);
  scratch.storage = step.scratch = static_cast<int>(program_.values.size());
  program_.values.push_back(scratch);
}

/// Gathering the weights pays only for many images, gathering the state only for many outputs.
bool Lowering::worth_gathering(const Chain& chain) const {
  constexpr int least_images = 16, least_channels = 64;
  const Step& step = chain.step;
  const Node& node = graph_.node(step.first);
  const auto* conv = std::get_if<op::Conv2d>(&node.op);
  if (!delta() || conv == nullptr || chain.sparse || step.choice.winograd || conv->groups != 1) return false;
  if (!is<op::Relu>(graph_.node(root(node.inputs[0])))) return false;
  const Value& in = program_.value(step.in);
  return in.layout == Layout::blocked && in.extent.batch >= least_images &&
         std::min(conv->weight.shape()[0], conv->weight.shape()[1]) >= least_channels;
}

void Lowering::gather_convolution(Step& step) {
  const Value& in = program_.value(step.in);
  const Shape& weight = std::get<op::Conv2d>(graph_.node(step.first).op).weight.shape();
  const auto taps = static_cast<int>(weight[2] * weight[3]);
  step.kind = Step::Kind::gathered_convolution;
  step.tile_blocks = job_.table->out_blocks_per_tile;
  const auto size = GatheredConvolution::sizes(in, taps, in.extent.batch, step.tile_blocks);
  step.columns = program_.columns;
  program_.columns += static_cast<std::size_t>(job_.execution.threads * size.marks);
  Value scratch;
  scratch.layout = Layout::scratch;
  scratch.scratch_floats = job_.execution.threads * size.floats;
  scratch.storage = step.scratch = static_cast<int>(program_.values.size());
  program_.values.push_back(scratch);
}

bool Lowering::pools_in_place(NodeId id) const {
  const auto* pool = std::get_if<op::MaxPool2d>(&graph_.node(id).op);
  if (pool == nullptr) return false;
  const std::array<int, 2> ones{1, 1}, twos{2, 2};
  const Shape& in = shape(graph_.node(id).inputs[0]);
  const bool even = in[2] % 2 == 0 && in[3] % 2 == 0;
  return pool->kernel == twos && pool->stride == twos && pool->padding.none() && pool->dilation == ones &&
         (even || !pool->ceil_mode);
}

kernels::Choice Lowering::choose(NodeId id, const Value& in) const {
  const auto* conv = std::get_if<op::Conv2d>(&graph_.node(id).op);
  const bool direct = !job_.execution.winograd || (job_.direct_replays && job_.replayed[id]);
  if (conv == nullptr || direct) return {};
  const Shape& weight = conv->weight.shape();
  const std::array<int, 2> ones{1, 1};
  const bool fits = weight[2] == 3 && weight[3] == 3 && conv->stride == ones && conv->dilation == ones &&
                    conv->groups == 1 && in.layout == Layout::blocked;
  if (!fits) return {};
  const Shape& out = shape(id);
  const PackedWeights* packed = packed_so_far(id);
  const bool transformed = packed != nullptr && packed->form == PackedWeights::Form::winograd;
  if (partial() && !transformed && !job_.transform_weights) return {};
  kernels::Choice choice =
      kernels::choose({static_cast<int>(out[0]), static_cast<int>(weight[1]), static_cast<int>(weight[0]),
                       static_cast<int>(out[2]), static_cast<int>(out[3])},
                      job_.execution.isa, job_.execution.threads);
  const bool as_packed = transformed && choice.winograd && choice.side == packed->side;
  if (transformed && !as_packed && !job_.transform_weights) choice = {true, packed->side, 0, 256};
  return choice;
}

const PackedWeights* Lowering::packed_so_far(NodeId id) const {
  const auto found = job_.store->find(id);
  return found != job_.store->end() ? found->second.get() : nullptr;
}

bool Lowering::has_form(const PackedWeights& packed, PackedWeights::Form form, int side) {
  return packed.form == form && (form != PackedWeights::Form::winograd || packed.side == side);
}

void add_winograd_scratch(Program& program, Step& step, int images, int threads) {
  // By value, because adding the scratch may reallocate the values.
  const Value in = program.value(step.in);
  const Value out = program.value(step.out);
  const kernels::Choice& choice = step.choice;
  const int side = choice.side;
  const std::ptrdiff_t a_tile =
      std::ptrdiff_t{(side + 2) * (side + 2)} * (in.blocks() + out.blocks()) * kernels::kBlock;
  const int height = step.geometry.outputs_h(in.extent.h);
  const int width = step.geometry.outputs_w(in.extent.w);
  const int tiles = images * ((height + side - 1) / side) * ((width + side - 1) / side);
  step.phases = choice.block_tiles > 0 ? 1 : 3 * ((tiles + choice.chunk_tiles - 1) / choice.chunk_tiles);
  if (step.scratch == kNone) {
    step.scratch = static_cast<ValueId>(program.values.size());
    program.values.emplace_back();
  }
  Value& scratch = program.value(step.scratch);
  scratch.layout = Layout::scratch;
  scratch.scratch_floats =
      a_tile * (choice.block_tiles > 0 ? choice.block_tiles * threads : kernels::chunk_stride(choice, tiles));
  scratch.storage = step.scratch;
}

}  // namespace ablaze::runtime
