#pragma once

#include <cmath>
#include <iterator>
#include <stdexcept>

namespace ablaze::testing {

/// |a - b| / |b| over all elements (L2); |a - b| if b is all zeros. Throws std::invalid_argument where the
/// sizes differ.
template <class A, class B>
double relative_error(const A& a, const B& b) {
  if (std::size(a) != std::size(b)) throw std::invalid_argument("relative_error: sizes differ");
  double difference = 0, norm = 0;
  auto it = std::begin(a);
  for (const double reference : b) {
    const double d = static_cast<double>(*it++) - reference;
    difference += d * d;
    norm += reference * reference;
  }
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

}  // namespace ablaze::testing
