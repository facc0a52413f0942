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

struct PackedWeights;  // lowering/packed_weights.hpp
struct PackedAffine;

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

/// The window of a convolution or a pool.
struct Geometry {
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0;
  int dilation_h = 1, dilation_w = 1;
};
Geometry geometry_of(const op::Conv2d& conv);
Geometry geometry_of(const op::MaxPool2d& pool);
Geometry geometry_of(const op::AvgPool2d& pool);
/// A curve as the kernels know it.
kernels::Curve kernel_curve(const op::Curve& curve);

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
  Geometry geometry;           ///< convolution, winograd, max_pool, average_pool and their backward steps
  bool count_include_pad = false;  ///< average_pool
  Pixels pixels;                   ///< convolution: those of `out` that the step writes
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

  const Value& value(ValueId id) const { return values[id]; }
  Value& value(ValueId id) { return values[id]; }
  /// The value of a node in value_of. Throws std::out_of_range where it cannot be read.
  const Value& value_of_node(NodeId node) const { return values[value_of.at(node)]; }
  /// Appends a value that is a storage of its own, and returns its id.
  ValueId add(Value value);
};

}  // namespace ablaze::runtime
