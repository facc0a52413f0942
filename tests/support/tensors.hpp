#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include <ablaze/tensor.hpp>

namespace ablaze::testing {

/// A tensor from its values.
inline Tensor tensor(Shape shape, std::vector<float> values) { return {std::move(shape), values}; }

/// The float32 nearest to each value.
inline Tensor to_tensor(Shape shape, const std::vector<double>& values) {
  Tensor t(std::move(shape));
  for (std::size_t i = 0; i < values.size(); ++i) t.data()[i] = static_cast<float>(values[i]);
  return t;
}

inline std::vector<float> numbers(const Tensor& t) { return {t.values().begin(), t.values().end()}; }
inline std::vector<double> widened(const Tensor& t) { return {t.values().begin(), t.values().end()}; }

/// The same shape and bits: -0 differs from 0, and a NaN equals itself.
inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.values().size_bytes()) == 0;
}

}  // namespace ablaze::testing
