#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "runtime/gradient/weights.hpp"

namespace ablaze::runtime {

/// The transposed weights of a session, packed at the first gradient through their layer.
class TransposedWeights {
 public:
  /// The weights of a convolution, with the BatchNorm behind it folded in if `norm` is given.
  std::shared_ptr<const TransposedConvolution> convolution(const CompiledNetwork& network, NodeId conv,
                                                           const op::BatchNorm* norm);
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::map<NodeId, std::shared_ptr<const TransposedConvolution>> convolutions_;
  std::uint64_t bytes_ = 0;
};

/// Compiles a gradient program: from the output's gradient to a layer's, for a batch of columns. It uses the
/// kernels of forward programs with transposed filters. Arena::trace holds the values of the forward run
/// `state`: of one image, which all columns read, or of one image per column.
Program lower_gradient(const CompiledNetwork& network, NodeId layer, std::int64_t columns,
                       const Program& state, TransposedWeights& weights);

/// The gradient programs of a session, compiled at their first use. For concurrent use.
class GradientPrograms {
 public:
  /// The network must outlive this.
  explicit GradientPrograms(const CompiledNetwork& network) : network_(network) {}
  std::shared_ptr<const Program> find(NodeId layer, std::int64_t columns, const Program& state) const;
  /// Bytes of the transposed weights packed so far.
  std::uint64_t packed_bytes() const;

 private:
  const CompiledNetwork& network_;
  mutable std::mutex mutex_;
  mutable TransposedWeights weights_;
  mutable std::map<std::tuple<NodeId, std::int64_t, const Program*>, std::shared_ptr<const Program>>
      programs_;
};

}  // namespace ablaze::runtime
