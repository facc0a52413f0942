#include <algorithm>
#include <cmath>

#include <ablaze/activation.hpp>

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

std::string to_string(Activation activation) {
  switch (activation) {
    case Activation::softmax:
      return "softmax";
    case Activation::sigmoid:
      return "sigmoid";
    case Activation::none:
      break;
  }
  return "none";
}

std::vector<double> probabilities(std::span<const float> logits, Activation activation) {
  return activate({logits.begin(), logits.end()}, activation);
}

std::vector<double> probabilities(std::span<const double> logits, Activation activation) {
  return activate({logits.begin(), logits.end()}, activation);
}

}  // namespace ablaze
