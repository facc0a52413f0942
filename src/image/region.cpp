#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "image/drawing.hpp"
#include "image/header.hpp"
#include "image/heatmap.hpp"

namespace ablaze {
namespace {

/// Pixels [begin, end) of one column inside the region.
struct Run {
  int x = 0, begin = 0, end = 0;
};

/// Connected components of runs, as union-find: each run's parent is a run of the same component; following
/// parents leads to the root.
class Pieces {
 public:
  explicit Pieces(std::size_t runs) : parent_(runs) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }

  std::size_t root_of(std::size_t run) {
    while (parent_[run] != run) run = parent_[run] = parent_[parent_[run]];
    return run;
  }
  /// The root is the component's first run.
  void join(std::size_t a, std::size_t b) {
    a = root_of(a);
    b = root_of(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

Tensor transposed(const Tensor& map) {
  Tensor out({map.dim(1), map.dim(0)});
  for (std::int64_t y = 0; y < map.dim(0); ++y) {
    for (std::int64_t x = 0; x < map.dim(1); ++x) out[x * map.dim(0) + y] = map[y * map.dim(1) + x];
  }
  return out;
}

/// Whether at least half of a pixel is inside the crop.
bool is_inside(float share) { return share >= 0.5F; }

/// The region's runs, ordered by column, in each column from top to bottom.
std::vector<Run> find_runs(const Tensor& map, int width, int height, const Rectangle& where, float least) {
  const image::Axis across = image::make_axis(width, where.x, where.width, map.dim(1));
  const image::Axis down = image::make_axis(height, where.y, where.height, map.dim(0));
  const image::SmoothMap smooth(transposed(map), down.position);
  std::vector<Run> runs;
  std::vector<float> column(height);
  for (int x = 0; x < width; ++x) {
    if (!is_inside(across.inside[x])) continue;
    smooth.sample(across.position[x], column);
    bool open = false;
    for (int y = 0; y < height; ++y) {
      const bool belongs = is_inside(down.inside[y]) && column[y] >= least;
      if (belongs && !open) runs.push_back({x, y, y});
      if (belongs) runs.back().end = y + 1;
      open = belongs;
    }
  }
  return runs;
}

Pieces connected(const std::vector<Run>& runs) {
  Pieces pieces(runs.size());
  std::size_t left = 0;  // the first run of the previous column that may touch the current one
  for (std::size_t i = 0; i < runs.size(); ++i) {
    while (runs[left].x < runs[i].x - 1 || (runs[left].x == runs[i].x - 1 && runs[left].end <= runs[i].begin))
      ++left;
    for (std::size_t j = left; j < i && runs[j].x == runs[i].x - 1 && runs[j].begin < runs[i].end; ++j)
      pieces.join(i, j);
  }
  return pieces;
}

/// The bounding box of the component with the most pixels; ties: the first.
PixelRectangle largest_piece(const std::vector<Run>& runs, Pieces& pieces) {
  std::vector<std::int64_t> size(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) size[pieces.root_of(i)] += runs[i].end - runs[i].begin;
  const auto largest = static_cast<std::size_t>(std::max_element(size.begin(), size.end()) - size.begin());
  int left = runs[largest].x, right = left, top = runs[largest].begin, bottom = top;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (pieces.root_of(i) != largest) continue;
    right = std::max(right, runs[i].x + 1);
    top = std::min(top, runs[i].begin);
    bottom = std::max(bottom, runs[i].end);
  }
  return {left, top, right - left, bottom - top};
}

std::vector<std::int64_t> run_lengths(const std::vector<Run>& runs, int width, int height) {
  std::vector<std::int64_t> lengths;
  std::int64_t at = 0;
  for (const Run& run : runs) {
    const std::int64_t begin = std::int64_t{run.x} * height + run.begin;
    const std::int64_t length = run.end - run.begin;
    if (begin == at && !lengths.empty()) {
      lengths.back() += length;  // continues at the top of the next column
    } else {
      lengths.push_back(begin - at);
      lengths.push_back(length);
    }
    at = begin + length;
  }
  const std::int64_t all = std::int64_t{width} * height;
  if (at < all) lengths.push_back(all - at);
  return lengths;
}

/// The mask, [width][height]: 1 inside.
std::vector<std::uint8_t> columns_of(const Region& region) {
  image::check_dimensions(region.mask_width, region.mask_height, "region: mask");
  const int width = region.mask_width, height = region.mask_height;
  const auto pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  std::vector<std::uint8_t> mask(pixels);
  std::size_t at = 0;
  std::uint8_t value = 0;
  for (const std::int64_t length : region.runs) {
    const std::size_t end = at + static_cast<std::size_t>(std::max<std::int64_t>(length, 0));
    if (end > pixels) throw Error("a region's runs are longer than its mask");
    std::fill(mask.begin() + static_cast<std::ptrdiff_t>(at), mask.begin() + static_cast<std::ptrdiff_t>(end),
              value);
    at = end;
    value = 1 - value;
  }
  return mask;
}

void check(const Tensor& map, int width, int height, const Rectangle& where, double threshold) {
  image::check_map(map, "region");
  image::check_dimensions(width, height, "region");
  image::check_crop(where, "region");
  if (!(threshold > 0 && threshold <= 1))
    throw Error("region: expected a threshold above 0 and at most 1, found " + std::to_string(threshold));
}

/// Draws the mask's pixels that have a neighbour outside the mask.
void draw_edge(Image& photo, const std::vector<std::uint8_t>& mask, int reach, image::Colour colour,
               double opacity) {
  const int width = photo.width(), height = photo.height();
  const auto inside = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < width && y < height &&
           mask[static_cast<std::size_t>(x) * static_cast<std::size_t>(height) +
                static_cast<std::size_t>(y)] != 0;
  };
  for (int x = 0; x < width; ++x) {
    for (int y = 0; y < height; ++y) {
      if (!inside(x, y)) continue;
      bool edge = false;
      for (int step = 1; step <= reach && !edge; ++step) {
        edge = !inside(x - step, y) || !inside(x + step, y) || !inside(x, y - step) || !inside(x, y + step);
      }
      if (edge) image::fill(photo, {x, y, 1, 1}, colour, opacity);
    }
  }
}

}  // namespace

std::optional<Region> find_region(const Tensor& map, int width, int height, const Rectangle& where,
                                  double threshold) {
  check(map, width, height, where, threshold);
  const ValueRange range = range_of(map, ColourMap::grey);
  if (!(range.high > 0 && range.high > range.low)) return std::nullopt;
  const auto runs = find_runs(map, width, height, where, static_cast<float>(threshold * range.high));
  if (runs.empty()) return std::nullopt;  // the maximum is between pixels, or outside the photo

  Pieces pieces = connected(runs);
  Region region{threshold, largest_piece(runs, pieces), 0, run_lengths(runs, width, height), width, height};
  for (const Run& run : runs) region.pixels += run.end - run.begin;
  return region;
}

Image mask_of(const Region& region) {
  const int width = region.mask_width, height = region.mask_height;
  const auto mask = columns_of(region);
  Image picture(width, height);
  for (int x = 0; x < width; ++x) {
    for (int y = 0; y < height; ++y) {
      const auto at =
          static_cast<std::size_t>(x) * static_cast<std::size_t>(height) + static_cast<std::size_t>(y);
      std::fill_n(picture.at(x, y), 3, static_cast<std::uint8_t>(255 * mask[at]));
    }
  }
  return picture;
}

void draw_region(Image& photo, const Region& region) {
  if (region.mask_width != photo.width() || region.mask_height != photo.height())
    throw Error("region: its photo has another size");
  constexpr image::Colour white{255, 255, 255}, dark{16, 18, 22};
  const int line = std::max(std::min(photo.width(), photo.height()) / 160, 1);
  draw_edge(photo, columns_of(region), line, white, 0.75);
  const PixelRectangle& box = region.box;
  // A white line between two dark ones is visible on any photo.
  image::frame(photo, box, dark, 3 * line);
  image::frame(photo, {box.x + line, box.y + line, box.width - 2 * line, box.height - 2 * line}, white, line);
}

}  // namespace ablaze
