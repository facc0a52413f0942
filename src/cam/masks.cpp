#include "cam/masks.hpp"

#include <algorithm>
#include <cmath>

namespace ablaze::cam {

bool is_flat(const Tensor& activation, std::int64_t channel) {
  const std::int64_t area = activation.dim(2) * activation.dim(3);
  const float* const a = activation.data() + channel * area;
  return std::all_of(a, a + area, [a](float v) { return v == a[0]; });
}

std::vector<Masks::Place> Masks::places(std::int64_t from, std::int64_t to) {
  std::vector<Place> out;
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  for (std::int64_t i = 0; i < to; ++i) {
    const double at = std::max(0.0, (static_cast<double>(i) + 0.5) * scale - 0.5);
    const auto first = static_cast<std::int64_t>(at);
    out.push_back(
        {first, std::min(first + 1, from - 1), static_cast<float>(at - static_cast<double>(first))});
  }
  return out;
}

Masks::Masks(const Tensor& activation, const Tensor& input)
    : activation_(activation),
      input_(input),
      rows_(places(activation.dim(2), input.dim(2))),
      columns_(places(activation.dim(3), input.dim(3))) {}

std::vector<float> Masks::drawn_up(std::int64_t channel) const {
  const std::int64_t height = activation_.dim(2), width = activation_.dim(3);
  const float* const a = activation_.data() + channel * height * width;
  const std::size_t wide = columns_.size();
  std::vector<float> lines;  // [height][wide]: the source's rows, drawn out
  lines.reserve(static_cast<std::size_t>(height) * wide);
  for (std::int64_t y = 0; y < height; ++y) {
    for (const Place& x : columns_) {
      const float left = a[y * width + x.first], right = a[y * width + x.second];
      lines.push_back(left + x.part * (right - left));
    }
  }
  std::vector<float> mask(rows_.size() * wide);
  float* to = mask.data();
  for (const Place& y : rows_) {
    const float* const above = lines.data() + static_cast<std::size_t>(y.first) * wide;
    const float* const below = lines.data() + static_cast<std::size_t>(y.second) * wide;
    for (std::size_t x = 0; x < wide; ++x) *to++ = above[x] + y.part * (below[x] - above[x]);
  }
  return mask;
}

void Masks::apply(std::int64_t channel, std::int64_t image, Tensor& inputs) const {
  const std::vector<float> mask = drawn_up(channel);
  const auto [least, largest] = std::minmax_element(mask.begin(), mask.end());
  const float zero = *least, range = *largest - *least;
  const float scale = range > 0 ? 1 / range : 0;  // flat where the input has fewer pixels than the layer
  const std::size_t area = mask.size();
  const auto planes = static_cast<std::size_t>(input_.dim(1));
  const float* from = input_.data();
  float* to = inputs.data() + image * input_.size();
  for (std::size_t plane = 0; plane < planes; ++plane) {
    for (std::size_t p = 0; p < area; ++p) *to++ = *from++ * ((mask[p] - zero) * scale);
  }
}

}  // namespace ablaze::cam
