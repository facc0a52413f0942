#include "cam/bilinear.hpp"

#include <algorithm>

namespace ablaze::cam {

std::vector<Between> bilinear_places(std::int64_t from, std::int64_t to) {
  const auto last = static_cast<double>(from - 1);
  std::vector<Between> places(to);
  for (std::int64_t i = 0; i < to; ++i) {
    const double centre =
        (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    const double at = std::clamp(centre, 0.0, last);
    const auto first = static_cast<std::int64_t>(at);
    places[i] = {first, std::min(first + 1, from - 1), at - static_cast<double>(first)};
  }
  return places;
}

}  // namespace ablaze::cam
