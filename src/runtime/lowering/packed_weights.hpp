#pragma once

// Packed weights, in the kernels' order.

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

/// The bits of half-precision numbers, aligned to a cache line, not initialised.
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

/// The packed weights of a convolution or a linear layer.
struct PackedWeights {
  /// By blocks of 16 input channels; by single channels, for planar inputs; or transformed for Winograd.
  enum class Form { blocked, planar, winograd } form = Form::blocked;
  int side = 0;    ///< of Winograd
  Tensor weights;  ///< see kernels::OutGroup
  /// Replaces `weights` of a linear layer if its file holds halves and the kernels widen them.
  Halves halves;
  Tensor bias;  ///< [blocks * 16]
  std::vector<kernels::OutGroup> groups;
  std::ptrdiff_t tap_weights = 0;           ///< Winograd: floats of one tap's weights; direct: 0
  int group_inputs = 0, group_outputs = 0;  ///< narrow_conv: channels of a group; else 0
  std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(weights.size() + bias.size()) * sizeof(float) +
           static_cast<std::uint64_t>(halves.size()) * sizeof(std::uint16_t);
  }
};

/// An unfused BatchNorm: y = x * scale + shift, each [blocks * 16].
struct PackedAffine {
  Tensor scale, shift;
};

/// The packed weights of each convolution or linear layer, with its BatchNorm. Packed once per session.
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
/// Packs a Linear. from: the extent of its input before flattening (h = w = 1: not flattened). keep_half:
/// keeps half-precision weights in half precision.
std::shared_ptr<const PackedWeights> pack_linear(const Node& node, const kernels::Extent& from,
                                                 int tile_blocks, bool keep_half, const Execution& execution);
std::shared_ptr<const PackedAffine> pack_affine(std::span<const double> scale, std::span<const double> shift);

/// The bytes of a node's packed weights.
std::uint64_t packed_size(const Node& node, PackedWeights::Form form, int side, const kernels::Extent& from,
                          int tile_blocks);

/// BatchNorm as y = x * scale + shift.
struct Affine {
  std::vector<double> scale, shift;
};
Affine batch_norm_affine(const op::BatchNorm& norm);

}  // namespace ablaze::runtime
