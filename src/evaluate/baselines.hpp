#pragma once

#include <ablaze/evaluate.hpp>
#include <ablaze/preprocess.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::evaluate {

/// The probe without content for an input [1, 3, H, W], of the same shape.
Tensor baseline_image(Baseline baseline, const Tensor& input, const Preprocess& how,
                      const EvaluateOptions& options);

/// Blurs an input [1, C, H, W] with a Gaussian of window x window pixels, zeros beyond its edges. The
/// Gaussian's tails, to four standard deviations, are folded back into the window, as in RISE's published
/// code; its weights add up to 1.
Tensor blurred(const Tensor& input, int window, double sigma);

}  // namespace ablaze::evaluate
