#include "evaluate/perturbation.hpp"

#include <algorithm>
#include <bit>

#include <ablaze/image.hpp>

namespace ablaze::evaluate {

Tensor mask_of(const Tensor& map, std::int64_t height, std::int64_t width) {
  // Scales before upsampling too, because a map of tiny values would lose digits.
  return normalise_map(upsample_map(normalise_map(map), static_cast<int>(width), static_cast<int>(height)));
}

bool is_flat(const Tensor& map) {
  return std::ranges::all_of(map.values(), [&](float v) { return v == map[0]; });
}

std::vector<std::uint16_t> turns(const Tensor& mask, int steps) {
  const auto pixels = static_cast<std::uint64_t>(mask.size());
  // Non-negative floats have the same order as their bits. The pixel in the low bits makes all keys
  // different.
  std::vector<std::uint64_t> keys(pixels);
  for (std::uint64_t p = 0; p < pixels; ++p) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(mask.data()[p] + 0.0F);  // -0 becomes 0
    keys[p] = std::uint64_t{~bits} << 32U | p;
  }
  std::ranges::sort(keys);
  std::vector<std::uint16_t> turn(pixels);
  std::uint64_t rank = 0;
  for (int step = 1; step <= steps; ++step) {
    const std::uint64_t end = static_cast<std::uint64_t>(step) * pixels / static_cast<std::uint64_t>(steps);
    for (; rank < end; ++rank) turn[keys[rank] & 0xFFFFFFFFU] = static_cast<std::uint16_t>(step);
  }
  return turn;
}

void mix(std::span<const std::uint16_t> turns, int step, std::span<const float> come,
         std::span<const float> others, std::span<float> to) {
  const std::size_t area = turns.size();
  for (std::size_t plane = 0; plane < to.size(); plane += area) {
    const float* const a = come.data() + plane;
    const float* const b = others.data() + plane;
    float* const out = to.data() + plane;
    for (std::size_t p = 0; p < area; ++p) out[p] = turns[p] <= step ? a[p] : b[p];
  }
}

void blend(std::span<const float> mask, std::span<const float> photo, std::span<const float> hidden,
           std::span<float> to) {
  const std::size_t area = mask.size();
  for (std::size_t plane = 0; plane < to.size(); plane += area) {
    for (std::size_t p = 0; p < area; ++p)
      to[plane + p] = hidden[plane + p] + mask[p] * (photo[plane + p] - hidden[plane + p]);
  }
}

}  // namespace ablaze::evaluate
