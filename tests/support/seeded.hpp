#pragma once

// Tensors determined by their names, bit for bit as in tests/data/golden/seeded.py, which explains the maps.

#include <cmath>
#include <cstdint>
#include <string_view>

#include <ablaze/tensor.hpp>

namespace ablaze::testing {

inline std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325U;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return value;
}

/// Element i of t: a multiple of 2^-23 in [-1, 1).
inline float seeded_unit(std::uint64_t seed, std::uint64_t i) {
  std::uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  z ^= z >> 31U;
  return static_cast<float>(static_cast<std::int32_t>(z >> 40U) - (1 << 23)) * 0x1p-23F;
}

/// An element is offset + factor * t.
struct SeededMap {
  float offset = 0;
  float factor = 1;
};

inline SeededMap seeded_map(std::string_view name, const Shape& shape, double gain) {
  if (name.starts_with("input")) return {0.0F, 2.0F};
  if (name.starts_with("mask")) return {0.5F, 0.5F};
  if (name.ends_with("running_var")) return {1.0F, 0.5F};
  if (shape.size() == 1 && name.ends_with(".weight")) {
    return {static_cast<float>(gain), static_cast<float>(gain * 0.5)};
  }
  if (shape.size() == 1) return {0.0F, 0.25F};
  double fan_in = 1;
  for (std::size_t axis = 1; axis < shape.size(); ++axis) fan_in *= static_cast<double>(shape[axis]);
  return {0.0F, static_cast<float>(gain * std::sqrt(6.0 / fan_in))};
}

/// The tensor for a name and a shape.
inline Tensor seeded_tensor(std::string_view name, const Shape& shape, double gain = 1.0) {
  Tensor tensor(shape);
  const std::uint64_t seed = fnv1a(name);
  const SeededMap map = seeded_map(name, shape, gain);
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    tensor[i] = map.offset + map.factor * seeded_unit(seed, static_cast<std::uint64_t>(i));
  }
  return tensor;
}

}  // namespace ablaze::testing
