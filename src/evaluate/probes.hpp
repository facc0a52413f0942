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

// What the network is shown of a photo, for all methods and metrics together: settled once, for it is the
// same for every photo, so that batches are full.

namespace ablaze::evaluate {

/// One probe to be shown.
struct Probe {
  enum class Kind {
    photo,
    baseline,
    masked,    ///< the photo through the method's map
    inserted,  ///< some of the photo's pixels on a baseline
    deleted,   ///< the photo without them
  } kind = Kind::photo;
  Baseline baseline = Baseline::mean;  ///< what is seen where the photo is not
  std::size_t method = 0;
  int step = 0;
};

/// All probes of a photo, and which of them each metric is made of, by number.
struct Plan {
  std::vector<Probe> probes;
  std::size_t photo = 0;
  struct Method {
    std::size_t masked = 0;
    std::vector<std::size_t> insertion, deletion;  ///< a curve's points, from none to all
  };
  std::vector<Method> methods;
};
Plan plan_probes(std::span<const Metric> metrics, std::size_t methods, const EvaluateOptions& options);

/// A method's map of the photo, as far as probes are made with it.
struct ScaledMap {
  Tensor mask;                       ///< [H, W], see mask_of
  bool flat = false;                 ///< points at no place; the mask is zeros
  std::vector<std::uint16_t> turns;  ///< [H W], where pixels are inserted or deleted
};

/// What probes of a photo are made from.
struct ProbeInputs {
  Tensor photo;                     ///< [1, 3, H, W], normalised
  std::array<Tensor, 3> baselines;  ///< by Baseline; those that are used
  std::vector<ScaledMap> maps;      ///< by method
};

/// Writes a probe as the network's input, 3 x H x W numbers.
void write_probe(const Probe& probe, const ProbeInputs& inputs, std::span<float> to);

/// The probability of a class in each probe. `shown` is called with how many have been, and may throw.
/// Throws Error where a logit is not finite.
std::vector<double> run_probes(std::span<const Probe> probes, const ProbeInputs& inputs, Batch& batch,
                               const Execution& execution, std::int64_t index, Activation activation,
                               const std::function<void(std::int64_t)>& shown);

}  // namespace ablaze::evaluate
