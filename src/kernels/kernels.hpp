#pragma once

// The interface between engine and kernels: plain pointers and shape structs, no graph, no tensor.
//
// Activations are nc16 on every instruction set: [N][C / 16][H][W][16]. Channels are padded with zeros to
// whole blocks, and each plane has a border of zeros, so that a convolution has no padding branches. A work
// item also writes its share of its output's border. The number of items depends on shapes (and on the
// requested parallelism), sums do not: one item sums each output, in one order.

#include <cstddef>
#include <cstdint>

#include <ablaze/machine.hpp>

#include "kernels/curves.hpp"

namespace ablaze::kernels {

inline constexpr int kBlock = 16;
inline constexpr int kBackwardBlocks = 16;       ///< see LinearBackward
inline constexpr int kPeakFloats = 12 * kBlock;  ///< for peak_loop

/// Strides, in floats, of an activation; one pixel takes `kBlock` floats (1 in a planar one). `data` points
/// at pixel (0, 0), inside the border.
struct Input {
  const float* data = nullptr;
  std::ptrdiff_t batch = 0;  ///< 0: all images of the batch share one input
  std::ptrdiff_t block = 0;
  std::ptrdiff_t row = 0;
  int pixel = kBlock;  ///< stride of a residual to the next pixel
};

struct Output {
  float* data = nullptr;
  std::ptrdiff_t batch = 0;
  std::ptrdiff_t block = 0;
  std::ptrdiff_t row = 0;
  int border_y = 0;    ///< rows of zeros above and below
  int border_x = 0;    ///< pixels of zeros left and right
  int pixel = kBlock;  ///< stride to the next pixel: more where a convolution writes every other pixel,
                       ///< without a border
};

/// How the work on an output is divided into items: each is some rows of one image's `columns` (groups or
/// blocks of channels). Neighbouring items usually go to one thread.
struct Split {
  int rows = 1;  ///< per item
  /// Items of the same rows are neighbours: a thread computes an image region, which its share of the next
  /// layer reads again. Otherwise items of the same channels are neighbours: a thread reads only their
  /// weights.
  bool by_rows = false;
  /// Not by rows: the columns are divided into this many parts, and the items of one part go by rows. With
  /// one column per part, a column's items are neighbours.
  int parts = 1 << 30;
};

/// Output channels computed together by one tile, and the input channels that they read.
struct OutGroup {
  int first_block = 0;  ///< of the output
  int blocks = 0;       ///< 1 or out_blocks_per_tile
  int in_begin = 0;     ///< blocks of the input (planes of a planar one)
  int in_end = 0;
  std::ptrdiff_t weights = 0;  ///< offset of [in][kh][kw][16 or 1][16 * blocks] in the packed weights
};

/// The original run's values, for ReLUs and max-pools of a delta pass or a backward pass. In a delta pass a
/// ReLU gives relu(base + d) - relu(base), the change of its output for a change d of its input; in a
/// backward pass it lets a gradient through where base > 0.
struct Base {
  const float* data = nullptr;  ///< none: a forward pass on values
  std::ptrdiff_t block = 0;
  std::ptrdiff_t row = 0;
  int pixel = kBlock;        ///< 0: all pixels read the same value (features, where the pixels are images)
  std::ptrdiff_t batch = 0;  ///< 0: all images of the batch share one base
  bool gates = false;        ///< backward pass
};

/// An activation function other than ReLU: f(x), or x f(x).
struct Curve {
  enum class Kind {
    none,
    sigmoid,  ///< 1 / (1 + e^-x)
    tanh,     ///< (e^x - e^-x) / (e^x + e^-x)
    clip,     ///< scale x + shift between low and high
    formula   ///< `formula` with a and b
  };
  Kind kind = Kind::none;
  bool times_x = false;  ///< x f(x): SiLU with a sigmoid, hard-swish with a clip
  float scale = 1, shift = 0, low = 0, high = 1;
  const Formula* formula = nullptr;
  double a = 0, b = 0;
};

/// Lists of indices: list i is index[first[i]] .. index[first[i + 1]], in ascending order.
struct Lists {
  const int* first = nullptr;
  const int* index = nullptr;
};

/// A convolution as a cross-correlation with bias, and optionally + residual, ReLU, and a second store of the
/// values before the ReLU. A linear layer is the 1x1 case on one row of N pixels.
struct Conv {
  Input in;
  bool planar = false;  ///< the input is [N][C][H][W], one float per pixel
  /// Planar only, optional: the images share one [C][H][W]; list n gives the channels of image n.
  Lists members;
  Input residual;  ///< data == nullptr: none
  Output out;
  Output before_relu;  ///< data == nullptr: none
  const float* weights = nullptr;
  const std::uint16_t* half_weights = nullptr;  ///< linear: weights in half precision, in place of `weights`
  const float* bias = nullptr;                  ///< [blocks * 16]; none: zeros
  Base base;                                    ///< of the ReLU, in a delta pass
  const OutGroup* groups = nullptr;
  int group_count = 0;
  int batch = 1;
  int out_h = 0, out_w = 0;
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0;  ///< at most the input's border
  int dilation_h = 1, dilation_w = 1;
  int group_inputs = 0, group_outputs = 0;  ///< narrow_conv: channels of a group
  bool relu = false;
  Curve curve;  ///< after everything else, on values only (not in winograd)
  Split split;
};

/// A 3x3 convolution of stride 1 by Winograd's F(m x m, 3x3), over a chunk of the m x m tiles of all images
/// (in order: image, row, column). Either in three phases over the whole chunk, or per block.
struct Winograd {
  Conv conv;      ///< geometry, epilogue and the transformed weights, [taps][group][in][16 * blocks]
  int side = 4;   ///< m: outputs of a tile along each axis, 2 or 4
  int taps = 36;  ///< products in the transformed domain: (m + 2)^2
  std::ptrdiff_t tap_weights = 0;  ///< floats of one tap
  const float* zeros = nullptr;    ///< [16 * out_blocks_per_tile]
  int in_blocks = 0, out_blocks = 0;
  int in_h = 0, in_w = 0;
  bool pool = false;  ///< the epilogue includes a 2x2 max-pool of stride 2; `out` is the pooled output
  int tiles_h = 0, tiles_w = 0;  ///< per image
  int first_tile = 0, tiles = 0;
  int tile_stride = 0;           ///< capacity of transformed and products in tiles; the tiles of a block
  float* transformed = nullptr;  ///< [taps][in_blocks][tile_stride][16]
  float* products = nullptr;     ///< [taps][out_blocks][tile_stride][16]
};

struct Pool {
  Input in;
  Base base;  ///< of a max-pool, in a delta pass: pool(base + in) - pool(base)
  Output out;
  int batch = 1, blocks = 0;
  int in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0;          ///< rows above, columns to the left
  int padding_below = 0, padding_right = 0;  ///< average, if the divisor counts them
  int dilation_h = 1, dilation_w = 1;
  bool count_include_pad = true;  ///< average: divide by the window inside input and padding
  Split split;
};

/// out = in * scale + shift + other, then ReLU or a curve; each part is optional.
struct Elementwise {
  Input in;                      ///< data == nullptr: zeros
  Input other;                   ///< data == nullptr: none
  const float* scale = nullptr;  ///< [blocks * 16]
  const float* shift = nullptr;  ///< none: zeros
  Base base;                     ///< of the ReLU or curve, in a delta pass
  Output out;
  Output before_relu;  ///< data == nullptr: none
  int batch = 1, blocks = 0, h = 0, w = 0;
  bool relu = false;
  Curve curve;
  Split split;
};

/// The product of two activations. A factor shared by all pixels of a plane has row 0 and pixel 0.
struct Product {
  Input a, b;           ///< b.data == nullptr: zeros (in a delta pass)
  Base base_a, base_b;  ///< in a delta pass: the original run's values
  Output out;
  int batch = 1, blocks = 0, h = 0, w = 0;
  Split split;
};

/// A pool's backward pass: `in` is dy/d output, `out` dy/d input. An item is a plane of one block.
struct PoolBackward {
  Input in;
  Base base;  ///< a max-pool's input; gates: a ReLU's output, and the gradient passes the ReLU too
  Output out;
  int batch = 1, blocks = 0;
  int in_h = 0, in_w = 0, out_h = 0, out_w = 0;  ///< of the gradients: in_h is the pool's output
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0;
  int padding_below = 0, padding_right = 0;
  int dilation_h = 1, dilation_w = 1;
  bool count_include_pad = true;
};

/// A linear layer's backward pass, W^T g, with the weights packed as for the layer itself. An item is
/// kBackwardBlocks blocks of features.
struct LinearBackward {
  Input in;   ///< features: dy/d output
  Base base;  ///< of a ReLU whose output is the layer's input
  Output out;
  int batch = 1, blocks = 0;  ///< blocks of features
  const float* weights = nullptr;
  const OutGroup* groups = nullptr;  ///< groups with a gradient: the others add nothing
  int group_count = 0;
};

/// A linear layer that reads flattened planes of few channels: the change of its output for each image of a
/// batch. Reads the weights once for all images.
struct LinearOfPlanes {
  const float* planes = nullptr;  ///< [C rounded up to whole blocks][area]
  int channels = 0, area = 0;
  Lists images;  ///< list c: the images that have channel c
  int batch = 1;
  const float* weights = nullptr;  ///< [group][channel block][area][16][16 * blocks]
  const OutGroup* groups = nullptr;
  int group_count = 0;
  Base base;  ///< of the ReLU, if `relu`
  bool relu = false;
  Output out;  ///< features
};

/// The kernels of one instruction set. An item is a unit of work for one thread; the items of one call may
/// run in any order and at the same time.
struct KernelTable {
  const char* name;
  int out_blocks_per_tile;  ///< for packing the weights
  bool half_weights;        ///< whether `linear` reads them
  void (*conv)(const Conv&, int item);
  /// For groups accepted by `narrow` (including depthwise); weights: [output block][kh][inputs of a
  /// group][kw][16].
  void (*narrow_conv)(const Conv&, int item);
  void (*linear)(const Conv&, int item);  ///< items: groups of output blocks
  /// The three phases, in this order: items are input blocks, taps x groups, output blocks.
  void (*winograd_input)(const Winograd&, int item);
  void (*winograd_multiply)(const Winograd&, int item);
  void (*winograd_output)(const Winograd&, int item);
  /// All three phases for tile_stride tiles per item; scratch: taps * (in_blocks + out_blocks) * tile_stride
  /// * 16 floats.
  void (*winograd_block)(const Winograd&, int item, float* scratch);
  void (*max_pool)(const Pool&, int item);
  void (*average_pool)(const Pool&, int item);
  void (*adaptive_average_pool)(const Pool&, int item);
  void (*elementwise)(const Elementwise&, int item);
  void (*product)(const Product&, int item);
  void (*product_sum)(const Product&, int item);  ///< out: one pixel; an item is a block of an image
  void (*linear_of_planes)(const LinearOfPlanes&, int item);  ///< an item is a group
  void (*linear_backward)(const LinearBackward&, int item);
  void (*max_pool_backward)(const PoolBackward&, int item);
  void (*average_pool_backward)(const PoolBackward&, int item);
  void (*adaptive_average_pool_backward)(const PoolBackward&, int item);
  /// Multiply-adds in registers only, starting from and stored to sums [kPeakFloats]; returns the number of
  /// floating-point operations.
  double (*peak_loop)(long rounds, float* sums);
};

/// The table of an instruction set; `isa` must be one that resolve_isa returned.
const KernelTable& kernel_table(Isa isa);

/// Divides an output of `images` x `columns` x `h` rows so that `threads` threads share the work evenly.
Split split_work(int images, int columns, int h, bool by_rows, int threads);
/// The same where each column reads all of an input of `row_bytes` per row of the output and `image_bytes`
/// per image: the input of the items of the same rows should stay in the core's second-level cache.
Split split_work(int images, int columns, int h, bool by_rows, int threads, std::ptrdiff_t row_bytes,
                 std::ptrdiff_t image_bytes);
int item_count(const Split& split, int images, int columns, int h);

}  // namespace ablaze::kernels
