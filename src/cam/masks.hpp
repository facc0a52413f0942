#pragma once

#include <cstdint>
#include <vector>

#include <ablaze/tensor.hpp>

#include "cam/bilinear.hpp"

namespace ablaze::cam {

/// Whether a channel of activations [1, C, H, W] is constant.
bool is_flat(const Tensor& activation, std::int64_t channel);

/// A layer's channels as masks over an input: each upsampled to the input's size (bilinear), then scaled from
/// its minimum and maximum to [0, 1]. Stores no mask. Const members may be called from several threads.
class Masks {
 public:
  /// activation [1, C, h, w]; input [1, D, H, W]. Both must outlive this.
  Masks(const Tensor& activation, const Tensor& input);

  /// Writes the input times the mask of a channel to image `image` of `inputs` [N, D, H, W]. The channel must
  /// not be constant.
  void apply(std::int64_t channel, std::int64_t image, Tensor& inputs) const;

 private:
  std::vector<float> upsampled(std::int64_t channel) const;

  const Tensor& activation_;
  const Tensor& input_;
  std::vector<Between> rows_, columns_;
};

}  // namespace ablaze::cam
