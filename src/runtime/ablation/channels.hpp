#pragma once

#include <array>
#include <span>
#include <vector>

#include <ablaze/session.hpp>

#include "runtime/ablation/route.hpp"
#include "runtime/run_state.hpp"

namespace ablaze::runtime {

/// The channels of a layer for one image: the activations A, and the ablated A'.
class Channels {
 public:
  /// Throws Error if a mask does not have the size of the planes.
  Channels(const RunState& trace, NodeId layer, int image, const Ablation& ablation);
  int count() const { return count_; }
  int area() const { return height_ * width_; }
  std::span<const float> plane(int k) const {
    return a_.values().subspan(first_ + std::int64_t{k} * area(), static_cast<std::size_t>(area()));
  }
  /// A'_k
  void ablated(int k, std::span<float> out) const;
  /// A'_k - A_k
  std::vector<double> change(int k) const;

 private:
  const Ablation& ablation_;
  Tensor a_;
  int count_ = 0, height_ = 0, width_ = 0;
  std::int64_t first_ = 0;  // of the image in a_
};

/// The deltas of one channel's planes, one per node of Route::local.
using Planes = std::vector<std::vector<double>>;

/// Propagates a delta through the channel-local operators, in float64, because it is little work.
class ChannelLocal {
 public:
  ChannelLocal(const RunState& trace, const Route& route, int image);
  /// planes[0]: the delta of channel k of the layer. Computes the other planes.
  void follow(int k, Planes& planes) const;

 private:
  static constexpr std::size_t kUnchanged = static_cast<std::size_t>(-1);
  struct Step {
    NodeId node;
    std::vector<std::size_t> inputs;       // indices of local nodes; without unchanged inputs
    std::vector<double> scale;             // BatchNorm
    std::vector<double> filters;           // depthwise convolution
    std::array<std::size_t, 2> factors{};  // product: indices of local nodes, or kUnchanged
  };
  std::vector<double> apply(const Step& step, int k, const Planes& planes) const;
  std::vector<double> product(const Step& step, int k, const Planes& planes) const;
  /// Channel k of a node in the unchanged run.
  std::vector<double> base(NodeId node, int k) const;

  const RunState& trace_;
  const CompiledNetwork& network_;
  int image_;
  std::vector<Step> steps_;
};

}  // namespace ablaze::runtime
