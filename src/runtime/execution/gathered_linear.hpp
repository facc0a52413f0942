#pragma once

#include <cstdint>

#include "runtime/execution/views.hpp"

namespace ablaze::runtime {

/// A linear layer behind a ReLU in a delta program. Units that are dead in every image of the batch have a
/// delta of zero, so their columns are omitted. Three phases, each of several items: mark, gather, multiply.
struct GatheredLinear {
  kernels::Conv conv;  ///< with all columns
  Value state;         ///< the input
  DeltaInputs deltas;
  std::uint16_t* columns = nullptr;  ///< marks, one word per block of 16
  /// The gathered state, then one group's gathered weights per thread.
  float* scratch = nullptr;

  /// An item: one block of a state. Marks the columns that are nonzero in some image.
  void mark(int block) const;
  /// Blocks of 16 marked columns; the items of gather().
  int blocks() const;
  /// An item: 16 columns of the gathered state, for all images.
  void gather(int item) const;
  /// An item: one group of outputs, whose weights are gathered into this thread's scratch.
  void multiply(const kernels::KernelTable& table, int item, int thread) const;

 private:
  template <class Visit>
  void for_each_marked(int begin, int end, Visit visit) const;
};

}  // namespace ablaze::runtime
