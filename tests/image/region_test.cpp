// The region, box and mask of a map, on maps with results known by hand.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

using namespace ablaze;

namespace {

Tensor map_of(std::int64_t height, std::int64_t width, std::vector<float> values) {
  return {{height, width}, values};
}

Rectangle whole(const Tensor& map) {
  return {0, 0, static_cast<double>(map.dim(1)), static_cast<double>(map.dim(0))};
}

/// In a photo with one pixel per map value, interpolation gives the value itself.
std::optional<Region> region(const Tensor& map, double threshold = 0.5) {
  return find_region(map, static_cast<int>(map.dim(1)), static_cast<int>(map.dim(0)), whole(map), threshold);
}

void check_box(const std::optional<Region>& found, int x, int y, int width, int height) {
  REQUIRE(found);
  CHECK(found->box.x == x);
  CHECK(found->box.y == y);
  CHECK(found->box.width == width);
  CHECK(found->box.height == height);
}

}  // namespace

TEST_CASE("the box holds the largest piece, the mask all pieces") {
  const auto found = region(map_of(4, 5, {9, 0, 0, 0, 0,  //
                                          0, 0, 6, 7, 0,  //
                                          0, 0, 5, 0, 0,  //
                                          0, 0, 0, 0, 5}));
  check_box(found, 2, 1, 2, 2);
  CHECK(found->threshold == 0.5);
  CHECK(found->pixels == 5);
  // Columns: 9; nothing; 6 5; 7; 5. Runs start with the outside.
  CHECK(found->runs == std::vector<std::int64_t>{0, 1, 8, 2, 2, 1, 5, 1});
}

TEST_CASE("a value at the threshold belongs") {
  check_box(region(map_of(1, 4, {5, 10, 4.9F, 0})), 0, 0, 2, 1);
  check_box(region(map_of(1, 4, {5, 10, 4.9F, 0}), 1.0), 1, 0, 1, 1);
}

TEST_CASE("of pieces of one size the leftmost is boxed, then the uppermost") {
  check_box(region(map_of(3, 4,
                          {0, 0, 0, 1,  //
                           1, 0, 0, 1,  //
                           1, 0, 0, 0})),
            0, 1, 1, 2);
  check_box(region(map_of(3, 1, {1, 0, 1})), 0, 0, 1, 1);
}

TEST_CASE("corners do not join pieces, and a fork is one piece") {
  check_box(region(map_of(2, 2, {1, 0, 0, 1})), 0, 0, 1, 1);
  check_box(region(map_of(3, 4,
                          {1, 1, 1, 0,  //
                           0, 0, 1, 0,  //
                           1, 1, 1, 1})),
            0, 0, 4, 3);
  check_box(region(map_of(4, 3,
                          {1, 0, 1,  // two prongs joined below
                           1, 0, 1,  //
                           1, 0, 1,  //
                           1, 1, 1})),
            0, 0, 3, 4);
}

TEST_CASE("a map that points at no place has no region") {
  CHECK_FALSE(region(map_of(2, 2, {0, 0, 0, 0})));
  CHECK_FALSE(region(map_of(2, 2, {3, 3, 3, 3})));      // constant
  CHECK_FALSE(region(map_of(2, 2, {-3, -1, -2, -4})));  // all negative
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK_FALSE(region(map_of(1, 2, {nan, nan})));
  check_box(region(map_of(1, 3, {-1, 2, -5})), 1, 0, 1, 1);
}

TEST_CASE("the region lies where the crop was, and nowhere else") {
  const Tensor map = map_of(1, 2, {0, 1});
  const auto found = find_region(map, 100, 50, {30, 10, 40, 30}, 0.5);
  REQUIRE(found);
  CHECK(found->box.x == 50);  // the cubic is one half at the midpoint of two values
  CHECK(found->box.y == 10);
  CHECK(found->box.width == 20);
  CHECK(found->box.height == 30);
  CHECK(found->pixels == 600);
  std::int64_t all = 0;
  for (const auto run : found->runs) all += run;
  CHECK(all == 100 * 50);
  CHECK_FALSE(
      find_region(map_of(1, 2, {1, 0}), 10, 10, {-50, 0, 52, 10}, 0.5));  // the maximum is outside the photo
}

TEST_CASE("the mask is a picture, and matches the box of a single piece") {
  Tensor map({7, 7});
  map[3 * 7 + 2] = 1;
  const auto found = find_region(map, 90, 61, {10, 0, 61, 61}, 0.2);
  REQUIRE(found);
  const Image mask = mask_of(*found);
  int left = 90, right = 0, top = 61, bottom = 0;
  std::int64_t pixels = 0;
  for (int y = 0; y < 61; ++y) {
    for (int x = 0; x < 90; ++x) {
      if (*mask.at(x, y) == 0) continue;
      left = std::min(left, x), right = std::max(right, x + 1);
      top = std::min(top, y), bottom = std::max(bottom, y + 1);
      ++pixels;
    }
  }
  CHECK(pixels == found->pixels);
  check_box(found, left, top, right - left, bottom - top);
}

TEST_CASE("the lines are drawn on pictures of any size, and only inside the box and at the mask's edge") {
  Tensor map({7, 7});
  map[3 * 7 + 3] = 1;
  for (const auto& [width, height] : {std::pair{1, 1}, {2, 300}, {64, 48}, {641, 481}}) {
    const Rectangle all{0, 0, static_cast<double>(width), static_cast<double>(height)};
    Image photo(width, height);
    const auto found = find_region(map, width, height, all, 0.2);
    if (found) draw_region(photo, *found);
  }
  Image photo(641, 481);
  draw_region(photo, *find_region(map, 641, 481, {0, 0, 641, 481}, 0.2));
  CHECK(*photo.at(0, 0) == 0);
  CHECK(*photo.at(320, 240) == 0);
  CHECK(std::any_of(photo.pixels().begin(), photo.pixels().end(), [](auto v) { return v == 255; }));
  Region wrong;
  wrong.runs = {1000, 1000};
  CHECK_THROWS_AS(mask_of(wrong), Error);
  wrong.mask_width = wrong.mask_height = 8;
  CHECK_THROWS_AS(mask_of(wrong), Error);
  photo = Image(9, 8);
  CHECK_THROWS_AS(draw_region(photo, wrong), Error);
}

TEST_CASE("regions of nonsense are refused") {
  const Tensor map = map_of(1, 2, {0, 1});
  CHECK_THROWS_AS(find_region(map, 4, 4, {0, 0, 4, 4}, 0), Error);
  CHECK_THROWS_AS(find_region(map, 4, 4, {0, 0, 4, 4}, 1.1), Error);
  CHECK_THROWS_AS(find_region(map, 4, 4, {0, 0, 4, 4}, NAN), Error);
  CHECK_THROWS_AS(find_region(map, 0, 4, {0, 0, 4, 4}, 0.5), Error);
  CHECK_THROWS_AS(find_region(map, 4, 4, {0, 0, NAN, 4}, 0.5), Error);
  CHECK_THROWS_AS(find_region(Tensor({3}), 4, 4, {0, 0, 4, 4}, 0.5), Error);
}
