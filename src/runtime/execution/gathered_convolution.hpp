#pragma once

#include <cstdint>

#include "runtime/execution/views.hpp"

namespace ablaze::runtime {

/// A convolution behind a ReLU, on changes. What is dead in the untouched picture stays dead in nearly every
/// image of a batch, at the same places, so that an output pixel reads few live columns (a channel at a tap).
/// They are gathered for all images, with their weights, and multiplied as a linear layer. An item is a few
/// neighbouring output pixels, since the lines that hold an image's pixels are neighbours too.
struct GatheredConvolution {
  /// A thread's working memory.
  struct Sizes {
    int pixels = 1;              ///< of an item
    std::ptrdiff_t columns = 0;  ///< of a pixel
    std::ptrdiff_t marks = 0;    ///< words of 16 columns
    std::ptrdiff_t floats = 0;
  };
  static Sizes sizes(const Value& state, int taps, int batch, int tile_blocks);

  kernels::Conv conv;  ///< as if nothing were left out
  Value state;         ///< what it reads
  Sizes size;
  std::uint16_t* marks =
      nullptr;               ///< a thread's: [pixels][taps][blocks], which of 16 channels some image changes
  float* scratch = nullptr;  ///< a thread's: the gathered states, a group's gathered weights, its sums

  int items() const { return conv.out_h * strips(); }
  void multiply(const kernels::KernelTable& table, int item) const;

 private:
  struct Pixel;
  int strips() const { return (conv.out_w + size.pixels - 1) / size.pixels; }
  void mark(Pixel& pixel) const;
  void gather_state(const Pixel& pixel) const;
  void gather_weights(const Pixel& pixel, const kernels::OutGroup& group, float* to) const;
  void finish(const kernels::KernelTable& table, const Pixel& pixel, int block, const float* sums) const;
  void clear_border(const Pixel& pixel) const;
};

}  // namespace ablaze::runtime
