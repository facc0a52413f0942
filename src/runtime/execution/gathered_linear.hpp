#pragma once

#include <cstdint>

#include "runtime/execution/views.hpp"

namespace ablaze::runtime {

/// A linear layer behind a ReLU, on changes: units that are dead in every image of the batch have no change,
/// so their columns are left out. Three phases, each a number of items: mark what changes, gather it,
/// multiply.
struct GatheredLinear {
  kernels::Conv conv;  ///< as if nothing were left out
  Value state;         ///< what it reads
  DeltaInputs changes;
  std::uint16_t* columns = nullptr;  ///< marks, one word a block of 16
  /// The gathered state, then a group's gathered weights for each thread.
  float* scratch = nullptr;

  /// An item: one block of a state. Marks the columns that some image changes.
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
