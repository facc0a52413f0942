#include "cam/masks.hpp"

#include <algorithm>
#include <cmath>

namespace ablaze::cam {

bool is_flat(const Tensor& activation, std::int64_t channel) {
  const std::int64_t area = activation.dim(2) * activation.dim(3);
  const float* const a = activation.data() + channel * area;
  return std::all_of(a, a + area, [a](float v) { return v == a[0]; });
}

Masks::Masks(const Tensor& activation, const Tensor& input)
    : activation_(activation),
      input_(input),
      rows_(bilinear_places(activation.dim(2), input.dim(2))),
      columns_(bilinear_places(activation.dim(3), input.dim(3))) {}

std::vector<float> Masks::upsampled(std::int64_t channel) const {
  const std::int64_t height = activation_.dim(2), width = activation_.dim(3);
  const float* const a = activation_.data() + channel * height * width;
  const std::size_t wide = columns_.size();
  std::vector<float> lines;  // [height][wide]: the source's rows, upsampled
  lines.reserve(static_cast<std::size_t>(height) * wide);
  for (std::int64_t y = 0; y < height; ++y) {
    for (const Between& x : columns_) {
      const float left = a[y * width + x.first], right = a[y * width + x.second];
      lines.push_back(left + static_cast<float>(x.part) * (right - left));
    }
  }
  std::vector<float> mask(rows_.size() * wide);
  float* to = mask.data();
  for (const Between& y : rows_) {
    const float* const above = lines.data() + static_cast<std::size_t>(y.first) * wide;
    const float* const below = lines.data() + static_cast<std::size_t>(y.second) * wide;
    const auto part = static_cast<float>(y.part);
    for (std::size_t x = 0; x < wide; ++x) *to++ = above[x] + part * (below[x] - above[x]);
  }
  return mask;
}

void Masks::apply(std::int64_t channel, std::int64_t image, Tensor& inputs) const {
  const std::vector<float> mask = upsampled(channel);
  const auto [least, largest] = std::minmax_element(mask.begin(), mask.end());
  const float zero = *least, range = *largest - *least;
  const float scale =
      range > 0 ? 1 / range : 0;  // the mask may be constant if the input has fewer pixels than the layer
  const std::size_t area = mask.size();
  const auto planes = static_cast<std::size_t>(input_.dim(1));
  const float* from = input_.data();
  float* to = inputs.data() + image * input_.size();
  for (std::size_t plane = 0; plane < planes; ++plane) {
    for (std::size_t p = 0; p < area; ++p) *to++ = *from++ * ((mask[p] - zero) * scale);
  }
}

}  // namespace ablaze::cam
