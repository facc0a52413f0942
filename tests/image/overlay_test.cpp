#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "image/pictures.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

Preprocess standard() { return {}; }  // resize 256, crop 224

/// The position and value of the brightest pixel in an overlay of a black photo.
struct Brightest {
  int x = 0, y = 0, value = -1;
};
Brightest brightest(const Image& image) {
  Brightest best;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const std::uint8_t* p = image.at(x, y);
      if (p[0] + p[1] + p[2] > best.value) best = {x, y, p[0] + p[1] + p[2]};
    }
  }
  return best;
}

Tensor hot_spot(int x, int y) {
  Tensor map({7, 7});
  map[y * 7 + x] = 1;
  return map;
}

}  // namespace

TEST_CASE("an overlay has the photo's own size") {
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 500}, {500, 3}, {333, 217}}) {
    const Image photo = pattern(width, height);
    const Image picture = overlay(photo, hot_spot(2, 5), crop_rectangle(width, height, standard()));
    CHECK(picture.width() == width);
    CHECK(picture.height() == height);
  }
}

TEST_CASE("a hot spot in a corner of the map lands in that corner of the crop") {
  for (const auto& [photo_width, photo_height] : {std::pair{400, 200}, {200, 400}, {300, 300}, {641, 123}}) {
    const int width = photo_width, height = photo_height;
    const Rectangle box = crop_rectangle(width, height, standard());
    for (const int column : {0, 6}) {
      for (const int row : {0, 6}) {
        CAPTURE(width);
        CAPTURE(column);
        CAPTURE(row);
        const Image picture =
            overlay(Image(width, height), hot_spot(column, row), box, {ColourMap::grey, 1.0F});
        const Brightest spot = brightest(picture);
        CHECK(spot.value > 3 * 250);
        const double x = (spot.x + 0.5 - box.x) / box.width, y = (spot.y + 0.5 - box.y) / box.height;
        CHECK(x > column / 7.0);
        CHECK(x < (column + 1) / 7.0);
        CHECK(y > row / 7.0);
        CHECK(y < (row + 1) / 7.0);
      }
    }
  }
}

TEST_CASE("at opacity 0 the photo stands alone") {
  const Image photo = pattern(90, 40);
  const Image picture =
      overlay(photo, hot_spot(3, 3), crop_rectangle(90, 40, standard()), {ColourMap::inferno, 0.0F});
  CHECK(difference(picture, photo.pixels()).largest == 0);
}

TEST_CASE("at opacity 1 the map stands alone inside the crop") {
  const Image photo = pattern(90, 40);
  const Rectangle box{20, 5, 30, 30};
  Tensor map({1, 2});
  map[1] = 1;
  const Image picture = overlay(photo, map, box, {ColourMap::viridis, 1.0F});
  for (int y = 5; y < 35; ++y) {
    const auto low = colour(ColourMap::viridis, 0), high = colour(ColourMap::viridis, 1);
    CHECK(std::equal(low.begin(), low.end(), picture.at(22, y)));
    CHECK(std::equal(high.begin(), high.end(), picture.at(47, y)));
  }
}

TEST_CASE("outside the crop the photo is dimmed, and never brighter") {
  const Image photo = flat(90, 40, 200, 200, 200);
  const Image picture = overlay(photo, hot_spot(3, 3), {20, 5, 30, 30});
  for (const auto& [x, y] : {std::pair{0, 0}, {89, 39}, {19, 20}, {50, 20}, {30, 4}, {30, 35}}) {
    CHECK(*picture.at(x, y) < 200);
    CHECK(*picture.at(x, y) > 50);
    CHECK(*picture.at(x, y) == *picture.at(0, 0));
  }
}

TEST_CASE("a crop's edge may cut through pixels") {
  const Image picture =
      overlay(flat(10, 10, 255, 255, 255), Tensor({2, 2}), {2.5, 0, 5, 10}, {ColourMap::grey, 1.0F});
  const int outside = *picture.at(0, 5), edge = *picture.at(2, 5), inside = *picture.at(4, 5);
  CHECK(inside == 0);
  CHECK(std::abs(edge - (outside + inside) / 2) <= 1);
}

TEST_CASE("a box beyond the photo is clipped") {
  Preprocess how;
  how.resize = 50;
  how.crop = 60;
  const Image picture = overlay(Image(100, 80), hot_spot(0, 0), crop_rectangle(100, 80, how));
  CHECK(picture.width() == 100);
  CHECK_NOTHROW(overlay(Image(10, 10), hot_spot(0, 0), {-1e9, -1e9, 1, 1}));
  CHECK_NOTHROW(overlay(Image(10, 10), hot_spot(0, 0), {-1e9, -1e9, 2e9, 2e9}));
  CHECK_NOTHROW(overlay(Image(10, 10), hot_spot(0, 0), {3, 3, 1e-300, 1e-300}));
}

TEST_CASE("flat and zero maps and maps with NaN leave a readable picture") {
  const Image photo = flat(20, 20, 200, 180, 160);
  const Rectangle whole{0, 0, 20, 20};
  const Image zero = overlay(photo, Tensor({7, 7}), whole);
  CHECK(*zero.at(10, 10) > 100);
  Tensor level({7, 7});
  std::fill(level.values().begin(), level.values().end(), 42.0F);
  CHECK(difference(overlay(photo, level, whole), zero.pixels()).largest == 0);
  Tensor broken({7, 7});
  std::fill(broken.values().begin(), broken.values().end(), std::numeric_limits<float>::quiet_NaN());
  CHECK(difference(overlay(photo, broken, whole), zero.pixels()).largest == 0);
  broken[0] = std::numeric_limits<float>::infinity();
  CHECK_NOTHROW(overlay(photo, broken, whole));
}

TEST_CASE("overlays of nonsense are refused") {
  const Image photo = pattern(8, 8);
  const Rectangle whole{0, 0, 8, 8};
  CHECK_THROWS_AS(overlay(Image(), hot_spot(0, 0), whole), Error);
  CHECK_THROWS_AS(overlay(photo, Tensor({7}), whole), Error);
  CHECK_THROWS_AS(overlay(photo, Tensor(), whole), Error);
  CHECK_THROWS_AS(overlay(photo, hot_spot(0, 0), {}), Error);
  CHECK_THROWS_AS(overlay(photo, hot_spot(0, 0), {0, 0, NAN, 8}), Error);
  CHECK_THROWS_AS(overlay(photo, hot_spot(0, 0), whole, {ColourMap::jet, 1.5F}), Error);
  CHECK_THROWS_AS(overlay(photo, hot_spot(0, 0), whole, {ColourMap::jet, NAN}), Error);
}

TEST_CASE("maps drawn on one range can be compared") {
  const Image photo = flat(30, 30, 90, 90, 90);
  const Rectangle whole{0, 0, 30, 30};
  Tensor weak({1, 1}), strong({1, 1});
  weak[0] = 1;
  strong[0] = 4;
  const OverlayOptions shared{ColourMap::grey, 1.0F, ValueRange{0, 4}};
  CHECK(*overlay(photo, weak, whole, shared).at(15, 15) == 64);
  CHECK(*overlay(photo, strong, whole, shared).at(15, 15) == 255);
}

TEST_CASE("a diverging map is as strong below zero as above it, and lets the photo through at zero") {
  const Image photo = flat(63, 20, 40, 160, 90);
  const Rectangle whole{0, 0, 63, 20};
  const Tensor map({1, 3}, std::vector<float>{-2, 0, 1});
  const OverlayOptions alone{ColourMap::bluered, 1.0F, {}}, half{ColourMap::bluered, 0.5F, {}};
  const Image map_alone = overlay(photo, map, whole, alone), picture = overlay(photo, map, whole, half);
  const auto is = [&](int x, std::array<std::uint8_t, 3> expected) {
    return std::equal(expected.begin(), expected.end(), map_alone.at(x, 10));
  };
  CHECK(is(0, colour(ColourMap::bluered, 0)));
  CHECK(is(31, colour(ColourMap::bluered, 0.5F)));
  CHECK(is(62, colour(ColourMap::bluered, 0.75F)));
  CHECK(std::abs(picture.at(31, 10)[1] - 0.5 * (160 + 0.299 * 40 + 0.587 * 160 + 0.114 * 90)) < 20);
  const Image nothing = overlay(photo, Tensor({2, 2}), whole, alone);
  CHECK(*nothing.at(3, 3) == colour(ColourMap::bluered, 0.5F)[0]);
}
