#include <algorithm>
#include <cmath>

#include <ablaze/activation.hpp>

#include "base/enum_names.hpp"

namespace ablaze {
namespace {

std::vector<double> activate(std::vector<double> y, Activation activation) {
  if (activation == Activation::sigmoid) {
    for (double& v : y) v = 1 / (1 + std::exp(-v));
  } else if (activation == Activation::softmax && !y.empty()) {
    const double largest = *std::ranges::max_element(y);  // keeps exp from overflowing
    double sum = 0;
    for (double& v : y) sum += v = std::exp(v - largest);
    for (double& v : y) v /= sum;
  }
  return y;
}

}  // namespace

namespace {
constexpr base::EnumNames<Activation, 3> kActivationNames{"activation", {"softmax", "sigmoid", "none"}};
}
std::string to_string(Activation activation) { return kActivationNames.name_of(activation); }
Activation parse_activation(std::string_view name) { return kActivationNames.parse(name); }

std::vector<double> probabilities(std::span<const float> logits, Activation activation) {
  return activate({logits.begin(), logits.end()}, activation);
}

std::vector<double> probabilities(std::span<const double> logits, Activation activation) {
  return activate({logits.begin(), logits.end()}, activation);
}

}  // namespace ablaze
