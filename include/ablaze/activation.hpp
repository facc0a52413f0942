#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ablaze {

/// The function that turns logits into probabilities.
enum class Activation { softmax, sigmoid, none };
std::string to_string(Activation activation);        ///< "softmax", "sigmoid" or "none"
Activation parse_activation(std::string_view name);  ///< Throws UsageError

/// softmax, sigmoid or nothing over one row of logits, computed in float64.
std::vector<double> probabilities(std::span<const float> logits, Activation activation);
std::vector<double> probabilities(std::span<const double> logits, Activation activation);

}  // namespace ablaze
