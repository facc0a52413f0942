#include "evaluate/boxes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <ablaze/error.hpp>

namespace ablaze::evaluate {

Point in_photo(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height,
               const Rectangle& seen) {
  return {seen.x + (static_cast<double>(x) + 0.5) * seen.width / static_cast<double>(width),
          seen.y + (static_cast<double>(y) + 0.5) * seen.height / static_cast<double>(height)};
}

double distance(const Point& point, std::span<const PixelRectangle> boxes) {
  double least = std::numeric_limits<double>::infinity();
  for (const PixelRectangle& box : boxes) {
    const double across = std::max({box.x - point.x, 0.0, point.x - box.right()});
    const double down = std::max({box.y - point.y, 0.0, point.y - box.bottom()});
    least = std::min(least, std::hypot(across, down));
  }
  return least;
}

Point summit(const Tensor& mask, const Rectangle& seen) {
  const std::int64_t height = mask.dim(0), width = mask.dim(1);
  const float most = *std::ranges::max_element(mask.values());
  double sum_x = 0, sum_y = 0, count = 0;
  const auto each_highest = [&](auto visit) {
    for (std::int64_t p = 0; p < mask.size(); ++p)
      if (mask[p] == most) visit(p % width, p / width);
  };
  each_highest([&](std::int64_t x, std::int64_t y) {
    sum_x += static_cast<double>(x);
    sum_y += static_cast<double>(y);
    ++count;
  });
  double least = std::numeric_limits<double>::infinity();
  std::int64_t best_x = 0, best_y = 0;
  each_highest([&](std::int64_t x, std::int64_t y) {
    const double away =
        std::hypot(static_cast<double>(x) - sum_x / count, static_cast<double>(y) - sum_y / count);
    if (away >= least) return;
    least = away;
    best_x = x;
    best_y = y;
  });
  return in_photo(best_x, best_y, width, height, seen);
}

Energy energy_inside(const Tensor& mask, std::span<const PixelRectangle> boxes, const Rectangle& seen) {
  const std::int64_t height = mask.dim(0), width = mask.dim(1);
  Energy energy;
  double inside = 0, all = 0;
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const double value = mask[y * width + x];
      all += value;
      const Point at = in_photo(x, y, width, height, seen);
      const bool in_a_box = std::ranges::any_of(boxes, [&](const PixelRectangle& box) {
        return at.x >= box.x && at.x < box.right() && at.y >= box.y && at.y < box.bottom();
      });
      if (!in_a_box) continue;
      inside += value;
      ++energy.pixels;
    }
  }
  energy.share = all > 0 ? inside / all : 0;
  return energy;
}

void require_inside(std::span<const PixelRectangle> boxes, const Image& photo) {
  for (const PixelRectangle& box : boxes) {
    const bool fits = box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0 &&
                      box.width <= photo.width() - box.x && box.height <= photo.height() - box.y;
    if (fits) continue;
    throw Error(
        "the box from " + std::to_string(box.x) + ", " + std::to_string(box.y) + " to " +
        std::to_string(box.right()) + ", " + std::to_string(box.bottom()) +
        " is empty or not inside a photo of " + std::to_string(photo.width()) + "x" +
        std::to_string(photo.height()) +
        " pixels: expected left, top, right and bottom, with right and bottom one beyond the last pixel");
  }
}

}  // namespace ablaze::evaluate
