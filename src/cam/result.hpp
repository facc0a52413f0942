#pragma once

#include <string>
#include <vector>

#include "cam/method.hpp"

namespace ablaze::cam {

/// A result whose signed map is `sum`, and whose map is what of it lies above zero. Throws Error where a
/// value is not finite.
Result result_from(Tensor sum);

/// The result of a method that weights channels: the sum is sum_k w_k A_k.
Result result_from(const Tensor& activation, std::vector<double> weights);

/// The result of a method that tells what of a score each channel accounts for: w_k = parts[k] / |y|.
///
/// Papers divide by y. Dividing by |y| is the same for y > 0 and keeps the signs of the weights for y < 0,
/// where the quotient would turn evidence for the class into evidence against it. Where y is next to zero the
/// parts stand undivided, and the note says so.
Result result_from_parts(const Tensor& activation, std::vector<double> parts, double score);

/// Adds a sentence to a note.
void append(std::string& note, const std::string& sentence);

}  // namespace ablaze::cam
