#pragma once

// Weights in the order in which the kernels read them.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include <ablaze/execution.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/tensor.hpp>

#include "kernels/kernels.hpp"
#include "kernels/layout.hpp"

namespace ablaze::runtime {

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

/// One convolution or linear layer with the BatchNorm folded into it, if any. Packed once a session.
using WeightStore = std::map<NodeId, std::shared_ptr<const PackedWeights>>;

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

}  // namespace ablaze::runtime
