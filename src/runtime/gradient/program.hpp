#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "runtime/gradient/weights.hpp"

namespace ablaze::runtime {

/// The transposed weights of a session, packed when a gradient first goes through their layer.
class TransposedWeights {
 public:
  /// Of a convolution, with the BatchNorm behind it folded in where `norm` is given.
  std::shared_ptr<const TransposedConvolution> convolution(const CompiledNetwork& network, NodeId conv,
                                                           const op::BatchNorm* norm);
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::map<NodeId, std::shared_ptr<const TransposedConvolution>> convolutions_;
  std::uint64_t bytes_ = 0;
};

/// A gradient program: from the output's gradient back to a layer's, for a batch of columns. Its steps are
/// the kernels' of a forward program, with the filters transposed. What it finds in the trace's place is what
/// the forward run `state` left: of one image, which all columns read, or of as many images as columns.
Program lower_gradient(const CompiledNetwork& network, NodeId layer, std::int64_t columns,
                       const Program& state, TransposedWeights& weights);

/// The gradient programs of a session, compiled when they are first asked for. For concurrent use.
class GradientPrograms {
 public:
  /// The network must outlive this.
  explicit GradientPrograms(const CompiledNetwork& network) : network_(network) {}
  std::shared_ptr<const Program> find(NodeId layer, std::int64_t columns, const Program& state) const;
  /// Bytes of the weights that gradients have packed so far.
  std::uint64_t packed_bytes() const;

 private:
  const CompiledNetwork& network_;
  mutable std::mutex mutex_;
  mutable TransposedWeights weights_;
  mutable std::map<std::tuple<NodeId, std::int64_t, const Program*>, std::shared_ptr<const Program>>
      programs_;
};

}  // namespace ablaze::runtime
