#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <ablaze/activation.hpp>
#include <ablaze/evaluate.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

#include "evaluate/metrics.hpp"

// The probes of a photo for all methods and metrics together. The plan is the same for every photo; one plan
// for all fills the batches.

namespace ablaze::evaluate {

/// One input for the network.
struct Probe {
  enum class Kind {
    photo,
    baseline,
    masked,    ///< the photo masked by the method's map
    inserted,  ///< some pixels of the photo on a baseline
    deleted,   ///< the photo with some pixels replaced by a baseline
  } kind = Kind::photo;
  Baseline baseline = Baseline::mean;  ///< replaces the photo's pixels
  std::size_t method = 0;
  int step = 0;
};

/// All probes of a photo, and for each metric the indices of its probes.
struct Plan {
  std::vector<Probe> probes;
  std::size_t photo = 0;
  struct Method {
    std::size_t masked = 0;
    std::vector<std::size_t> insertion, deletion;  ///< a curve's points, from no pixels to all
  };
  std::vector<Method> methods;
};
Plan plan_probes(std::span<const Metric> metrics, std::size_t methods, const EvaluateOptions& options);

/// A method's map of the photo, in the form that its probes need.
struct ScaledMap {
  Tensor mask;                       ///< [H, W], see mask_of
  bool flat = false;                 ///< the map is constant; the mask is zeros
  std::vector<std::uint16_t> turns;  ///< [H W], if pixels are inserted or deleted
};

/// The data that a photo's probes are made from.
struct ProbeInputs {
  Tensor photo;                     ///< [1, 3, H, W], normalised
  std::array<Tensor, 3> baselines;  ///< by Baseline; only those in use
  std::vector<ScaledMap> maps;      ///< by method
};

/// Writes a probe as the network's input, 3 x H x W numbers.
void write_probe(const Probe& probe, const ProbeInputs& inputs, std::span<float> to);

/// The probability of a class for each probe. Calls `shown` with the number of finished probes; it may throw.
/// Throws Error if a logit is not finite.
std::vector<double> run_probes(std::span<const Probe> probes, const ProbeInputs& inputs, Batch& batch,
                               const Execution& execution, std::int64_t index, Activation activation,
                               const std::function<void(std::int64_t)>& shown);

}  // namespace ablaze::evaluate
