#pragma once

// What the engine asks of a kernel: plain pointers and shape structs, no graph, no tensor.
//
// Activations are nc16 on every instruction set: [N][C / 16][H][W][16], channels padded with zeros to whole
// blocks, each plane with a border of zeros around it, so that a convolution has no padding branches.
// A work item writes its share of its output's border too. Numbers of items depend on shapes (and on
// the wish for parallelism), sums do not: every output is summed by one item, in one order.

#include <cstddef>
#include <cstdint>

#include <ablaze/isa.hpp>

namespace ablaze::kernels {

inline constexpr int kBlock = 16;
inline constexpr int kBackwardBlocks = 16;       ///< see LinearBackward
inline constexpr int kPeakFloats = 12 * kBlock;  ///< what peak_loop works on

/// Strides, in floats, of an activation; one pixel takes `kBlock` floats (1 in a planar one).
/// `data` points at pixel (0, 0), inside the border.
struct Input {
  const float* data = nullptr;
  std::ptrdiff_t batch = 0;  ///< 0: every image of the batch reads the same one
  std::ptrdiff_t block = 0;
  std::ptrdiff_t row = 0;
  int pixel = kBlock;  ///< of a residual: to the next pixel
};

struct Output {
  float* data = nullptr;
  std::ptrdiff_t batch = 0;
  std::ptrdiff_t block = 0;
  std::ptrdiff_t row = 0;
  int border_y = 0;  ///< rows of zeros above and below
  int border_x = 0;  ///< pixels of zeros left and right
  int pixel =
      kBlock;  ///< to the next pixel: more where a convolution writes every other pixel, without a border
};

/// How the work on an output is cut into items: each is some rows of one image's `columns` (groups or blocks
/// of channels). Neighbouring items go to one thread as a rule.
struct Split {
  int rows = 1;  ///< of an item
  /// Items of the same rows are neighbours, so that a thread computes a region of the picture, which the next
  /// layer's share reads again; else those of the same channels, so that it reads only their weights.
  bool by_rows = false;
  /// Not by rows: the columns are shared out among so many parts, and the items of one part go by rows. As
  /// many as there are columns: a column's items are neighbours.
  int parts = 1 << 30;
};

/// Output channels that one tile computes together, and the input channels that they read.
struct OutGroup {
  int first_block = 0;  ///< of the output
  int blocks = 0;       ///< 1 or out_blocks_per_tile
  int in_begin = 0;     ///< blocks of the input (planes of a planar one)
  int in_end = 0;
  std::ptrdiff_t weights = 0;  ///< offset of [in][kh][kw][16 or 1][16 * blocks] in the packed weights
};

/// What a ReLU or a max-pool needs where a network is run on changes instead of values, or backwards: the
/// untouched run's values. A ReLU then gives relu(base + d) - relu(base), how far its output moves when its
/// input moves by d; or it passes a gradient back where base > 0.
struct Base {
  const float* data = nullptr;  ///< none: on values
  std::ptrdiff_t block = 0;
  std::ptrdiff_t row = 0;
  int pixel = kBlock;        ///< 0: every pixel reads the same one (features, where the pixels are images)
  std::ptrdiff_t batch = 0;  ///< 0: every image of the batch reads the same one
  bool gates = false;        ///< backwards
};

/// What each number goes through where that is no ReLU: f(x), or x f(x).
struct Curve {
  enum class Kind {
    none,
    sigmoid,  ///< 1 / (1 + e^-x)
    clip,     ///< scale x + shift between low and high
    power     ///< x^exponent
  };
  Kind kind = Kind::none;
  bool times_x = false;  ///< x f(x): SiLU of a sigmoid, hard-swish of a clip
  float scale = 1, shift = 0, low = 0, high = 1;
  float exponent = 1;
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
  bool planar = false;  ///< the input is [N][C][H][W], one float a pixel
  /// Planar, if given: the images share one [C][H][W]; list n names the channels that image n has of it.
  Lists members;
  Input residual;  ///< data == nullptr: none
  Output out;
  Output before_relu;  ///< data == nullptr: none
  const float* weights = nullptr;
  const std::uint16_t* half_weights = nullptr;  ///< linear: the weights in half precision, instead
  const float* bias = nullptr;                  ///< [blocks * 16]; none: zeros
  Base base;                                    ///< of the ReLU, on changes
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
  Curve curve;  ///< behind all else, of values alone (winograd: not there)
  Split split;
};

/// A 3x3 convolution of stride 1 by Winograd's F(m x m, 3x3), over a chunk of the m x m tiles of all images
/// (in order: image, row, column). Either in three phases over the whole chunk, or block by block.
struct Winograd {
  Conv conv;      ///< geometry, epilogue and the transformed weights, [taps][group][in][16 * blocks]
  int side = 4;   ///< m: outputs of a tile along each axis, 2 or 4
  int taps = 36;  ///< products in the transformed domain: (m + 2)^2
  std::ptrdiff_t tap_weights = 0;  ///< floats of one tap
  const float* zeros = nullptr;    ///< [16 * out_blocks_per_tile]
  int in_blocks = 0, out_blocks = 0;
  int in_h = 0, in_w = 0;
  bool pool = false;  ///< a 2x2 max-pool of stride 2 rides in the epilogue; `out` is the pooled output
  int tiles_h = 0, tiles_w = 0;  ///< an image's
  int first_tile = 0, tiles = 0;
  int tile_stride = 0;           ///< tiles that transformed and products have room for; a block's tiles
  float* transformed = nullptr;  ///< [taps][in_blocks][tile_stride][16]
  float* products = nullptr;     ///< [taps][out_blocks][tile_stride][16]
};

struct Pool {
  Input in;
  Base base;  ///< of a max-pool, on changes: pool(base + in) - pool(base)
  Output out;
  int batch = 1, blocks = 0;
  int in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0;
  int dilation_h = 1, dilation_w = 1;
  bool count_include_pad = true;  ///< average: divide by the window inside input and padding
  Split split;
};

/// out = in * scale + shift + other, then ReLU or a curve; each part may be missing.
struct Elementwise {
  Input in;                      ///< data == nullptr: zeros
  Input other;                   ///< data == nullptr: none
  const float* scale = nullptr;  ///< [blocks * 16]
  const float* shift = nullptr;  ///< none: zeros
  Base base;                     ///< of the ReLU or curve, on changes
  Output out;
  Output before_relu;  ///< data == nullptr: none
  int batch = 1, blocks = 0, h = 0, w = 0;
  bool relu = false;
  Curve curve;
  Split split;
};

/// The product of two activations. A factor that all pixels of a plane share has row 0 and pixel 0.
struct Product {
  Input a, b;           ///< b.data == nullptr: zeros (on changes)
  Base base_a, base_b;  ///< on changes: the untouched run's
  Output out;
  int batch = 1, blocks = 0, h = 0, w = 0;
  Split split;
};

/// A gradient's way back through a pool: `in` is dy/d output, `out` dy/d input. An item is a plane of one
/// block.
struct PoolBackward {
  Input in;
  Base base;  ///< a max-pool's input; gates: it is a ReLU's output, and the gradient goes back through that
              ///< too
  Output out;
  int batch = 1, blocks = 0;
  int in_h = 0, in_w = 0, out_h = 0, out_w = 0;  ///< of the gradients: in_h is the pool's output
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int padding_h = 0, padding_w = 0;
  int dilation_h = 1, dilation_w = 1;
  bool count_include_pad = true;
};

/// A gradient's way back through a linear layer, W^T g, by the weights as the layer itself reads them. An
/// item is kBackwardBlocks blocks of features.
struct LinearBackward {
  Input in;   ///< features: dy/d output
  Base base;  ///< of a ReLU whose output the layer reads
  Output out;
  int batch = 1, blocks = 0;  ///< blocks of features
  const float* weights = nullptr;
  const OutGroup* groups = nullptr;  ///< those that have a gradient: the others add nothing
  int group_count = 0;
};

/// A linear layer that reads flattened planes of few channels: its output's change for each image of a batch,
/// while the weights are read once for all of them.
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

/// One instruction set's kernels. An item is a share of the work that one thread does; items of one
/// call may run in any order and at the same time.
struct KernelTable {
  const char* name;
  int out_blocks_per_tile;  ///< how weights are to be packed
  bool half_weights;        ///< whether `linear` reads them
  void (*conv)(const Conv&, int item);
  /// Groups that `narrow` holds for (depthwise ones too); weights: [output block][kh][inputs of a
  /// group][kw][16].
  void (*narrow_conv)(const Conv&, int item);
  void (*linear)(const Conv&, int item);  ///< items: groups of output blocks
  /// The three phases, in this order: items are input blocks, taps x groups, output blocks.
  void (*winograd_input)(const Winograd&, int item);
  void (*winograd_multiply)(const Winograd&, int item);
  void (*winograd_output)(const Winograd&, int item);
  /// All of it for tile_stride tiles an item; scratch: taps * (in_blocks + out_blocks) * tile_stride * 16
  /// floats.
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
  /// Multiply-adds in registers alone, on and into sums [kPeakFloats]; returns how many floating-point
  /// operations they were.
  double (*peak_loop)(long rounds, float* sums);
};

/// The table of an instruction set; `isa` must be one that resolve_isa returned.
const KernelTable& kernel_table(Isa isa);

/// Cuts an output of `images` x `columns` x `h` rows so that `threads` threads share the work evenly.
Split split_work(int images, int columns, int h, bool by_rows, int threads);
/// The same where each column reads all of an input of `row_bytes` for a row of the output and `image_bytes`
/// for an image: what the items of the same rows read is to stay in the core's second-level cache.
Split split_work(int images, int columns, int h, bool by_rows, int threads, std::ptrdiff_t row_bytes,
                 std::ptrdiff_t image_bytes);
int item_count(const Split& split, int images, int columns, int h);

}  // namespace ablaze::kernels
