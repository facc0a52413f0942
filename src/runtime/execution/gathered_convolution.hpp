#pragma once

#include <cstdint>

#include "runtime/execution/views.hpp"

namespace ablaze::runtime {

/// A convolution behind a ReLU in a delta program. Units that are dead in the unchanged run stay dead at the
/// same locations in nearly every image of a batch, so an output pixel reads few live columns (a channel at a
/// tap). The live columns of all images are gathered with their weights and multiplied as a linear layer. An
/// item is a few neighbouring output pixels, because the cache lines of an image's pixels are neighbours too.
struct GatheredConvolution {
  /// The working memory of one thread.
  struct Sizes {
    int pixels = 1;              ///< of an item
    std::ptrdiff_t columns = 0;  ///< of a pixel
    std::ptrdiff_t marks = 0;    ///< words of 16 columns
    std::ptrdiff_t floats = 0;
  };
  static Sizes sizes(const Value& state, int taps, int batch, int tile_blocks);

  kernels::Conv conv;  ///< with all columns
  Value state;         ///< the input
  Sizes size;
  std::uint16_t* marks = nullptr;  ///< per thread: [pixels][taps][blocks], the nonzero channels of 16
  float* scratch = nullptr;        ///< per thread: gathered states, one group's gathered weights and sums

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
