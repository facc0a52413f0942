#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "runtime/ablation/route.hpp"

namespace ablaze::runtime {

/// A layer's delta program, compiled for a batch of deltas.
struct DeltaProgram {
  Route route;
  std::int64_t batch = 0;               ///< images (sets of channels) per pass
  std::shared_ptr<const Program> code;  ///< null: the closed form
  WeightStore store;                    ///< the session's weights, and those packed in addition
  std::uint64_t bytes = 0;              ///< of memory of a run
  std::uint64_t packed_bytes = 0;       ///< of weights packed in addition
};

/// Compiles a delta program for the largest useful batch that fits in the memory limit. pack: false only
/// measures; the program cannot run. Throws Error with the least memory needed if the limit is too low.
DeltaProgram compile_delta_program(const CompiledNetwork& network, NodeId from, bool through_head, bool pack);

/// The delta programs of a session, compiled at their first use. For concurrent use.
class DeltaPrograms {
 public:
  /// The network must outlive this.
  explicit DeltaPrograms(const CompiledNetwork& network) : network_(network) {}
  std::shared_ptr<const DeltaProgram> find(NodeId from, bool through_head) const;

 private:
  const CompiledNetwork& network_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<NodeId, bool>, std::shared_ptr<const DeltaProgram>> programs_;
};

}  // namespace ablaze::runtime
