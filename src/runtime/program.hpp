#pragma once

// A compiled network: what the executor walks through. Lowering (lowering/) turns a graph into steps over
// values; the memory plan gives each value its place in one arena; packing lays the weights out.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ablaze/execution.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/tensor.hpp>

#include "kernels/choice.hpp"
#include "kernels/kernels.hpp"
#include "kernels/layout.hpp"

namespace ablaze::runtime {

using ValueId = int;
inline constexpr ValueId kNone = -1;

/// How a value lies in memory.
enum class Layout {
  planar,    ///< [N][C][H][W] with a border: what a first convolution reads
  blocked,   ///< nc16 with a border
  features,  ///< [C / 16 * H * W][N][16]: flattened, as linear layers read and write
  scratch    ///< a step's own working memory
};

/// Whose memory a value lies in.
enum class Arena {
  own,    ///< the program's arena
  trace,  ///< the trace of the whole network: a tail reads what the first run left there
  first,  ///< a gradient program's, whose trace is a tail's: what that tail read of the first run
  planes  ///< a delta program's input: the changed planes of the layer's channels
};

/// How a node's output moves when one channel of a layer is changed.
enum class DeltaReach {
  none,     ///< not at all
  channel,  ///< in that channel alone
  dense     ///< everywhere
};

struct Value {
  Layout layout = Layout::blocked;
  kernels::Extent extent;  ///< features keep the extent that they were flattened from
  int border_y = 0, border_x = 0;
  Arena arena = Arena::own;
  int storage = kNone;                ///< the value's place; a flattened value may share that of its source
  std::uint64_t offset = 0;           ///< in floats, of the storage in its memory
  std::ptrdiff_t scratch_floats = 0;  ///< Layout::scratch: its size
  bool leading = false;  ///< of one image, and each thread has its own, Program::leading_floats apart

  std::ptrdiff_t row() const;
  std::ptrdiff_t block() const;   ///< from one block (or plane) of an image to the next
  std::ptrdiff_t batch() const;   ///< from one image to the next (0 in features)
  std::ptrdiff_t floats() const;  ///< the whole, borders included
  std::ptrdiff_t origin() const;  ///< of pixel (0, 0) of the first block
  int blocks() const {
    return layout == Layout::features ? extent.blocks() * extent.h * extent.w : extent.blocks();
  }
};

/// Half-precision numbers as their bits, from a cache line's beginning, not initialised.
class Halves {
 public:
  Halves() = default;
  explicit Halves(std::int64_t count);
  std::int64_t size() const { return size_; }
  std::uint16_t* data() { return data_.get(); }
  const std::uint16_t* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(std::uint16_t* p) const noexcept;
  };
  std::int64_t size_ = 0;
  std::unique_ptr<std::uint16_t[], Free> data_;
};

/// A convolution's or a linear layer's weights as the tiles read them.
struct PackedWeights {
  /// Blocks of 16 input channels; single ones, as planar inputs are read; or transformed for Winograd.
  enum class Form { blocked, planar, winograd } form = Form::blocked;
  int side = 0;    ///< Winograd's
  Tensor weights;  ///< see kernels::OutGroup
  Halves halves;   ///< a linear layer's instead, where its file holds halves and the kernels widen them
  Tensor bias;     ///< [blocks * 16]
  std::vector<kernels::OutGroup> groups;
  std::ptrdiff_t tap_weights = 0;           ///< Winograd: floats of one tap's weights; 0: direct
  int group_inputs = 0, group_outputs = 0;  ///< for narrow_conv: channels of a group; else 0
  std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(weights.size() + bias.size()) * sizeof(float) +
           static_cast<std::uint64_t>(halves.size()) * sizeof(std::uint16_t);
  }
};

/// BatchNorm on its own: y = x * scale + shift, each [blocks * 16].
struct PackedAffine {
  Tensor scale, shift;
};

/// A convolution's window.
struct Geometry {
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0;
  int dilation_h = 1, dilation_w = 1;
};
Geometry geometry_of(const op::Conv2d& conv);

/// Pixels (first_y + i * step_y, first_x + j * step_x) of a plane.
struct Pixels {
  int first_y = 0, first_x = 0;
  int step_y = 1, step_x = 1;
  bool all() const { return step_y == 1 && step_x == 1; }
};

struct Step {
  enum class Kind {
    convolution,  ///< linear layers too: 1x1 on one row of N pixels
    winograd,     ///< a 3x3 convolution in the transformed domain
    max_pool,
    average_pool,
    adaptive_average_pool,
    elementwise,
    to_features,           ///< flatten
    product,               ///< of two values
    spread,                ///< one image's features for every image of a batch
    linear_of_planes,      ///< a delta program's: a linear layer that reads the changed planes
    gathered_linear,       ///< a delta program's: a linear layer without the columns that no image changes
    gathered_convolution,  ///< a delta program's: the same of a convolution, at each output pixel
    scatter,               ///< a delta program's: changed planes among zeros, as an addition needs them
    linear_backward,       ///< a gradient program's, as those that follow: a linear layer's way back
    max_pool_backward,
    average_pool_backward,
    adaptive_average_pool_backward,
    product_sum,  ///< to a factor that all pixels of a plane share
    to_planes     ///< flattening's; forwards, unflattening
  };
  Kind kind = Kind::elementwise;
  NodeId first = 0;         ///< the operator that the step begins with: it holds the attributes
  NodeId last = 0;          ///< the last one fused into it: the step's output
  std::string description;  ///< "conv 3x3 + bn + add + relu"
  ValueId in = kNone;
  ValueId other = kNone;  ///< added before the ReLU; a product's second factor
  ValueId out = kNone;
  ValueId before_relu = kNone;
  ValueId base = kNone;        ///< a delta or gradient program's: the untouched run's input of the ReLU or
                               ///< max-pool, or what a product has for `in` (backwards: for the other factor)
  ValueId other_base = kNone;  ///< a delta program's product: the same of `other`
  Geometry geometry;           ///< convolution and winograd
  Pixels pixels;               ///< convolution: those of `out` that the step writes
  bool relu = false;
  kernels::Curve curve;  ///< in the ReLU's place
  std::shared_ptr<const PackedWeights> packed;
  std::shared_ptr<const PackedAffine> affine;
  std::int64_t multiply_adds = 0;
  bool pool = false;        ///< winograd: a 2x2 max-pool follows in the same step
  kernels::Choice choice;   ///< winograd
  ValueId scratch = kNone;  ///< winograd: transformed inputs and products
  int phases = 1;           ///< between two phases all threads wait
  int tile_blocks = 0;      ///< gathered_convolution: KernelTable::out_blocks_per_tile
  std::size_t columns = 0;  ///< gathered_linear, gathered_convolution: the place of its marks
};

/// Steps in order. A program is bound to a batch and an input's extent, not to any memory.
struct Program {
  std::vector<Value> values;
  std::vector<Step> steps;
  std::map<NodeId, ValueId> value_of;  ///< of every node whose output can be read
  ValueId input = kNone;               ///< filled by the caller before the steps run
  ValueId output = kNone;
  std::uint64_t arena_floats = 0;
  /// The first steps of a batch: each thread takes one image through all of them, then the next one. What
  /// they write stays in the core's caches, and nobody waits. The other steps take the whole batch together.
  std::size_t leading_steps = 0;
  std::uint64_t leading_floats = 0;  ///< of the arena: one thread's values that no other step reads
  bool is_gradient = false;          ///< a gradient program: from the output's gradient back to a layer's
  // A delta program's: it runs on changes instead of values, without biases.
  bool is_delta = false;
  std::map<NodeId, ValueId> planes;  ///< its inputs: the channel-local nodes that it reads
  std::uint64_t plane_floats = 0;
  std::uint64_t packed_bytes = 0;  ///< of weights that the store did not have as the program needs them
  std::size_t columns = 0;         ///< marks of what is gathered, one a block of 16 columns
};

/// One convolution or linear layer with the BatchNorm folded into it, if any. Packed once a session.
using WeightStore = std::map<NodeId, std::shared_ptr<const PackedWeights>>;

/// What a graph is lowered for.
struct LoweringJob {
  const Graph* graph = nullptr;
  std::vector<Shape> shapes;  ///< of every node, for this batch
  std::vector<bool> needed;   ///< nodes that matter for the output or are kept, of the whole network
  std::vector<bool> kept;     ///< nodes whose values must be readable after the run
  /// false: no value is laid by; what was kept only decides what is fused, so that the store's weights fit.
  bool keep_values = true;
  const kernels::KernelTable* table = nullptr;
  WeightStore* store = nullptr;  ///< weights are packed into it, or found there
  Execution execution;           ///< with threads and isa resolved
  /// A tail's: Winograd also where the whole network multiplies directly (else as the whole network, whatever
  /// the batch).
  bool transform_weights = false;
  std::vector<bool> replayed;   ///< nodes behind a layer that may be resumed from
  bool direct_replays = false;  ///< no Winograd there
  // A tail: only what is downstream of `from`, whose value the caller fills; what else is read is in `whole`.
  NodeId from = 0;
  const Program* whole = nullptr;
  // A delta program: what happens behind job.from when single channels of it change.
  std::vector<DeltaReach> reach;  ///< of every node; empty: not a delta program
  NodeId result = 0;              ///< the dense node whose change is wanted
  bool pack = true;               ///< false: only to see what it takes; the program cannot run
};

/// The whole network (job.whole == nullptr), the tail behind job.from, or its delta program. Throws Error.
Program lower(const LoweringJob& job);

/// Tiles that the working memory of a Winograd step in phases has room for.
int chunk_stride(const kernels::Choice& choice, int tiles);
/// Gives a Winograd step on `images` images its phases and its working memory: one block a thread, or one
/// chunk for all.
void add_winograd_scratch(Program& program, Step& step, int images, int threads);

/// Decides which steps of a whole network's program lead. No bit of a result hangs on it. `kept`: values that
/// must hold the whole batch.
void lead(Program& program, const LoweringJob& job, std::span<const ValueId> kept);

/// Gives every storage of the program's own arena its offset: greedily, the largest first, into the lowest
/// gap that is free while the storage lives. Kept and caller-filled values are never overwritten.
void plan_memory(Program& program, std::span<const ValueId> untouchable, int threads);

/// Packs a Conv2d, with scale and shift [O] folded in (empty: none).
std::shared_ptr<const PackedWeights> pack_convolution(const Node& node, bool planar, int tile_blocks,
                                                      std::span<const double> scale,
                                                      std::span<const double> shift,
                                                      const Execution& execution);
/// The same for Winograd's F(side x side, 3x3): the filters in the transformed domain.
std::shared_ptr<const PackedWeights> pack_winograd(const Node& node, int side, int tile_blocks,
                                                   std::span<const double> scale,
                                                   std::span<const double> shift, const Execution& execution);
/// Packs a Linear whose input was flattened from `from` (h = w = 1: was flat already). keep_half: weights
/// that are held in half precision stay so.
std::shared_ptr<const PackedWeights> pack_linear(const Node& node, const kernels::Extent& from,
                                                 int tile_blocks, bool keep_half, const Execution& execution);
std::shared_ptr<const PackedAffine> pack_affine(std::span<const double> scale, std::span<const double> shift);

/// Bytes that one of these would take.
std::uint64_t packed_size(const Node& node, PackedWeights::Form form, int side, const kernels::Extent& from,
                          int tile_blocks);

/// BatchNorm as y = x * scale + shift.
struct Affine {
  std::vector<double> scale, shift;
};
Affine batch_norm_affine(const op::BatchNorm& norm);

/// A curve as the kernels know it.
kernels::Curve kernel_curve(const op::Curve& curve);

}  // namespace ablaze::runtime
