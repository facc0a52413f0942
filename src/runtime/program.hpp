#pragma once

// A compiled network. Lowering (lowering/) turns a graph into steps over values, gives each value an offset
// in one arena, and packs the weights. BoundProgram (execution/) runs the steps.

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

/// The layout of a value in memory.
enum class Layout {
  planar,    ///< [N][C][H][W] with a border: the input of a first convolution
  blocked,   ///< nc16 with a border
  features,  ///< [C / 16 * H * W][N][16]: flattened, the layout of linear layers
  scratch    ///< working memory of one step
};

/// The memory that holds a value.
enum class Arena {
  own,    ///< the program's arena
  trace,  ///< the arena of the whole network's run: a tail reads values of that run
  first,  ///< of a gradient program over a tail's run: the arena of the whole network's run
  planes  ///< the input of a delta program: the deltas of the layer's planes
};

struct Value {
  Layout layout = Layout::blocked;
  kernels::Extent extent;  ///< of features: the extent before flattening
  int border_y = 0, border_x = 0;
  Arena arena = Arena::own;
  int storage = kNone;                ///< a flattened value may share the storage of its source
  std::uint64_t offset = 0;           ///< of the storage in its arena, in floats
  std::ptrdiff_t scratch_floats = 0;  ///< Layout::scratch: its size
  bool leading = false;  ///< holds one image; threads have copies at a distance of Program::leading_floats

  std::ptrdiff_t row() const;
  std::ptrdiff_t block() const;   ///< from one block (or plane) of an image to the next
  std::ptrdiff_t batch() const;   ///< from one image to the next (0 in features)
  std::ptrdiff_t floats() const;  ///< of the whole value, borders included
  std::ptrdiff_t origin() const;  ///< of pixel (0, 0) of the first block
  int blocks() const {
    return layout == Layout::features ? extent.blocks() * extent.h * extent.w : extent.blocks();
  }
};

/// The window of a convolution or a pool.
struct Geometry {
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0;  ///< rows above, columns to the left
  int dilation_h = 1, dilation_w = 1;
  int padding_below = 0, padding_right = 0;
  /// The rows and columns that a window of stride 1 leaves of an input.
  int outputs_h(int in) const { return in + padding_h + padding_below - dilation_h * (kernel_h - 1); }
  int outputs_w(int in) const { return in + padding_w + padding_right - dilation_w * (kernel_w - 1); }
};
/// in: the shape of the input, which determines a padding of the kind `same`.
Geometry geometry_of(const op::Conv2d& conv, const Shape& in);
Geometry geometry_of(const op::MaxPool2d& pool, const Shape& in);
Geometry geometry_of(const op::AvgPool2d& pool, const Shape& in);
Geometry geometry_of(const op::GlobalMaxPool2d& pool, const Shape& in);
/// The kernels' description of a curve.
kernels::Curve kernel_curve(const op::Curve& curve);

/// Pixels (first_y + i * step_y, first_x + j * step_x) of a plane.
struct Pixels {
  int first_y = 0, first_x = 0;
  int step_y = 1, step_x = 1;
  bool all() const { return step_y == 1 && step_x == 1; }
};

struct Step {
  enum class Kind {
    convolution,  ///< also a linear layer: 1x1 on one row of N pixels
    winograd,     ///< a 3x3 convolution in the transformed domain
    max_pool,
    average_pool,
    adaptive_average_pool,
    elementwise,
    to_features,           ///< flatten
    product,               ///< of two values
    spread,                ///< copies one image's features to every image of a batch
    linear_of_planes,      ///< delta program: a linear layer that reads planes
    gathered_linear,       ///< delta program: a linear layer, without columns that are zero in all images
    gathered_convolution,  ///< delta program: the same for a convolution, per output pixel
    scatter,               ///< delta program: writes planes into a value of zeros, for an addition
    linear_backward,       ///< gradient program, as the kinds below
    max_pool_backward,
    average_pool_backward,
    adaptive_average_pool_backward,
    product_sum,  ///< gradient of a factor that all pixels of a plane share
    to_planes     ///< backward of flatten; in a forward program, unflatten
  };
  Kind kind = Kind::elementwise;
  NodeId first = 0;         ///< the step's first operator, which holds the attributes
  NodeId last = 0;          ///< the last operator fused into the step
  std::string description;  ///< "conv 3x3 + bn + add + relu"
  ValueId in = kNone;
  ValueId other = kNone;  ///< added before the ReLU; a product's second factor
  ValueId out = kNone;
  ValueId before_relu = kNone;
  ValueId base = kNone;            ///< delta and gradient programs: the unchanged run's input of the ReLU or
                                   ///< max-pool, or factor `in` of a product (gradient: the other factor)
  ValueId other_base = kNone;      ///< product of a delta program: the same for `other`
  Geometry geometry;               ///< convolution, winograd, max_pool, average_pool and their backward steps
  bool count_include_pad = false;  ///< average_pool
  Pixels pixels;                   ///< convolution: the pixels of `out` that the step writes
  bool relu = false;
  kernels::Curve curve;  ///< instead of the ReLU
  std::shared_ptr<const PackedWeights> packed;
  std::shared_ptr<const PackedAffine> affine;
  std::ptrdiff_t weight_floats = 0;  ///< of the packed weights, also where a program is only measured
  std::int64_t multiply_adds = 0;
  bool pool = false;        ///< winograd: a 2x2 max-pool follows in the same step
  kernels::Choice choice;   ///< winograd
  ValueId scratch = kNone;  ///< winograd: transformed inputs and products
  int phases = 1;           ///< all threads wait between two phases
  int tile_blocks = 0;      ///< gathered_convolution: KernelTable::out_blocks_per_tile
  std::size_t columns = 0;  ///< gathered_linear, gathered_convolution: offset of its marks
};

/// Steps in order. A program has a fixed batch and input extent; BoundProgram binds it to memory.
struct Program {
  std::vector<Value> values;
  std::vector<Step> steps;
  std::map<NodeId, ValueId> value_of;  ///< of every node with a readable output
  ValueId input = kNone;               ///< written by the caller before a run
  ValueId output = kNone;
  std::uint64_t arena_floats = 0;
  /// The first steps of a batch: each thread takes one image through all of them, then the next. Their
  /// outputs stay in the core's caches, and no thread waits. Every other step processes the whole batch.
  std::size_t leading_steps = 0;
  std::uint64_t leading_floats = 0;  ///< of the arena: one thread's values, which only leading steps read
  bool is_gradient = false;          ///< from the output's gradient to a layer's
  // Of a delta program, which computes deltas instead of values, without biases:
  bool is_delta = false;
  std::map<NodeId, ValueId> planes;  ///< its inputs, by channel-local node
  std::uint64_t plane_floats = 0;
  std::uint64_t packed_bytes = 0;  ///< of weights that were missing in the store
  std::size_t columns = 0;         ///< marks of gathered steps, one per block of 16 columns

  const Value& value(ValueId id) const { return values[id]; }
  Value& value(ValueId id) { return values[id]; }
  /// The value of a node in value_of. Throws std::out_of_range if it is not readable.
  const Value& value_of_node(NodeId node) const { return values[value_of.at(node)]; }
  /// Appends a value with a storage of its own, and returns its id.
  ValueId add(Value value);
};

}  // namespace ablaze::runtime
