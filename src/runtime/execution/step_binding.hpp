#pragma once

#include <vector>

#include "runtime/execution/gathered_convolution.hpp"
#include "runtime/execution/gathered_linear.hpp"
#include "runtime/execution/views.hpp"
#include "runtime/lowering/packed_weights.hpp"
#include "runtime/program.hpp"

namespace ablaze::runtime {

/// The image and the thread of a leading step.
struct Lead {
  int image = -1;  ///< -1: not a leading step
  int thread = 0;
};

/// A step bound to memory.
class StepBinding {
 public:
  /// All references must outlive this. threads: the number that the work is split for; fewer may run it.
  StepBinding(const Program& program, const Step& step, const Memory& memory, const DeltaInputs& deltas,
              int threads, Lead lead = {});

  /// The number of items in a phase. Items can run in any order on any thread.
  int items(int phase) const;
  void run(const kernels::KernelTable& table, int phase, int item, int thread);

 private:
  const Value& value(ValueId id) const { return program_.value(id); }
  kernels::Input in(ValueId id) const;
  kernels::Output out(ValueId id) const;
  kernels::Base base(ValueId id) const;
  /// The number of images that the step processes; a delta program's batch may be partly filled.
  int images(const Value& v) const {
    if (program_.is_delta) return deltas_.images;
    return lead_.image >= 0 ? 1 : v.extent.batch;
  }
  /// Floats from the first image of the first thread to this step's image.
  std::ptrdiff_t skipped(const Value& v) const {
    if (lead_.image < 0) return 0;
    return v.leading ? lead_.thread * static_cast<std::ptrdiff_t>(program_.leading_floats)
                     : lead_.image * v.batch();
  }
  float* scratch() const { return memory_.own + value(step_.scratch).offset + skipped(value(step_.scratch)); }

  // convolutions.cpp
  void bind_convolution(int threads);
  void bind_pixels();
  void bind_winograd(int threads);
  void bind_linear_of_planes();
  void run_convolution(const kernels::KernelTable& table, int item) const;
  void run_winograd(const kernels::KernelTable& table, int phase, int item, int thread) const;
  void bind_gathered_convolution(int threads, int tile_blocks);
  void run_gathered_convolution(const kernels::KernelTable& table, int item, int thread) const;

  // backward.cpp
  void bind_pool_backward();
  void bind_linear_backward();
  /// Phase 0: omits groups of outputs without a gradient.
  void find_live_groups();

  // pointwise.cpp
  void bind_pool(int threads);
  void bind_window_pool(int threads);
  void bind_elementwise(int threads);
  void bind_product(int threads);
  /// An item: one block of one image.
  void scatter(int item) const;
  /// An item: 16 features.
  void spread(int item) const;

  const Program& program_;
  const Step& step_;
  const Memory& memory_;
  const DeltaInputs& deltas_;
  Lead lead_;
  kernels::LinearOfPlanes linear_;
  kernels::LinearBackward linear_backward_;
  std::vector<kernels::OutGroup> live_groups_;  // of linear_backward_, found in each run
  kernels::PoolBackward pool_backward_;
  kernels::Conv conv_;
  GatheredLinear gathered_;
  GatheredConvolution gathered_convolution_;
  kernels::Winograd winograd_;
  kernels::Pool pool_;
  kernels::Elementwise elementwise_;
  kernels::Product product_;
  int items_ = 0;
  int conv_items_ = 0;  // of items_; the remaining items clear the border
};

}  // namespace ablaze::runtime
