#pragma once

#include <string>
#include <vector>

#include "cam/method.hpp"

namespace ablaze::cam {

/// A result with the signed map `sum` and its positive part as the map. Throws Error if a value is not
/// finite.
Result result_from(Tensor sum);

/// The result of a method that weights channels: the sum is sum_k w_k A_k.
Result result_from(const Tensor& activation, std::vector<double> weights);

/// The result of a method that attributes a part of the score to each channel: w_k = parts[k] / |y|.
///
/// Papers divide by y. Dividing by |y| is the same for y > 0 and keeps the signs of the weights for y < 0,
/// where y would turn evidence for the class into evidence against it. If y is close to zero, the parts stay
/// undivided and the note says so.
Result result_from_parts(const Tensor& activation, std::vector<double> parts, double score);

/// Adds a sentence to a note.
void append(std::string& note, const std::string& sentence);

}  // namespace ablaze::cam
