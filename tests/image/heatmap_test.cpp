#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "support/message_of.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float largest_float = std::numeric_limits<float>::max();

Tensor row(std::initializer_list<float> values) {
  return {{1, static_cast<std::int64_t>(values.size())}, std::span(values.begin(), values.size())};
}

void check_equal(const Tensor& tensor, std::initializer_list<float> expected) {
  REQUIRE(tensor.values().size() == expected.size());
  CHECK(std::equal(expected.begin(), expected.end(), tensor.values().begin()));
}

}  // namespace

TEST_CASE("normalise_map brings a map to [0, 1]") {
  check_equal(normalise_map(row({-2, 0, 2})), {0, 0.5F, 1});
  check_equal(normalise_map(row({3, 3, 3})), {0, 0, 0});
  check_equal(normalise_map(row({0, 0})), {0, 0});
  CHECK(normalise_map(Tensor()).size() == 0);
  const Tensor kept = normalise_map(Tensor({3, 5}));
  CHECK(kept.shape() == Shape{3, 5});
}

TEST_CASE("normalise_map bears what is not finite") {
  check_equal(normalise_map(row({not_a_number, 1, 2, 3})), {0, 0, 0.5F, 1});
  check_equal(normalise_map(row({infinity, -infinity, 0, 4, 2})), {1, 0, 0, 1, 0.5F});
  check_equal(normalise_map(row({not_a_number, not_a_number})), {0, 0});
  check_equal(normalise_map(row({not_a_number, infinity, -infinity})), {0, 1, 0});
  check_equal(normalise_map(row({-largest_float, largest_float, 0})), {0, 1, 0.5F});
}

TEST_CASE("upsample_map passes through the map's values and stays in its range") {
  Tensor map({2, 3});
  std::copy_n(std::array{0.F, 1.F, 0.F, 0.F, 0.F, 5.F}.begin(), 6, map.data());
  // Three times the size: every third pixel is at a map pixel's centre.
  const Tensor fine = upsample_map(map, 9, 6);
  CHECK(fine.shape() == Shape{6, 9});
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x) CHECK(fine[(3 * y + 1) * 9 + 3 * x + 1] == doctest::Approx(map[y * 3 + x]));
  }
  const auto [least, most] = std::minmax_element(fine.values().begin(), fine.values().end());
  CHECK(*least >= 0);
  CHECK(*most <= 5);
}

TEST_CASE("upsample_map is smooth, symmetric and keeps flat maps flat") {
  Tensor map({7, 7});
  map[3 * 7 + 3] = 1;
  const Tensor fine = upsample_map(map, 224, 224);
  float steepest = 0;
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 223; ++x) {
      steepest = std::max(steepest, std::abs(fine[y * 224 + x + 1] - fine[y * 224 + x]));
      REQUIRE(fine[y * 224 + x] == doctest::Approx(fine[y * 224 + 223 - x]).epsilon(1e-4));
      REQUIRE(fine[y * 224 + x] == doctest::Approx(fine[x * 224 + y]).epsilon(1e-4));
    }
  }
  CHECK(steepest < 0.05F);

  Tensor flat({3, 2});
  std::fill(flat.values().begin(), flat.values().end(), 0.7F);
  const Tensor still_flat = upsample_map(flat, 17, 31);
  for (const float v : still_flat.values()) REQUIRE(v == doctest::Approx(0.7F));
  const Tensor same = upsample_map(map, 7, 7);
  CHECK(std::equal(map.values().begin(), map.values().end(), same.values().begin()));
  CHECK(upsample_map(Tensor({1, 1}), 5, 3).size() == 15);
}

TEST_CASE("upsample_map refuses what is no map") {
  CHECK_THROWS_AS(upsample_map(Tensor({1, 2, 2}), 4, 4), Error);
  CHECK_THROWS_AS(upsample_map(Tensor({0, 2}), 4, 4), Error);
  CHECK_THROWS_AS(upsample_map(Tensor(), 4, 4), Error);
  CHECK_THROWS_AS(upsample_map(Tensor({2, 2}), 0, 4), Error);
  CHECK_THROWS_AS(upsample_map(Tensor({2, 2}), 100'000, 100'000), Error);
}

TEST_CASE("colour maps have their known colours") {
  struct Known {
    ColourMap map;
    float value;
    std::array<int, 3> rgb;
  };
  // The published tables' entries 0, 64, 128, 192 and 255.
  const Known known[] = {{ColourMap::inferno, 0, {0, 0, 4}},
                         {ColourMap::inferno, 64 / 255.F, {87, 16, 110}},
                         {ColourMap::inferno, 128 / 255.F, {188, 55, 84}},
                         {ColourMap::inferno, 1, {252, 255, 164}},
                         {ColourMap::viridis, 0, {68, 1, 84}},
                         {ColourMap::viridis, 128 / 255.F, {33, 145, 140}},
                         {ColourMap::viridis, 192 / 255.F, {94, 201, 98}},
                         {ColourMap::viridis, 1, {253, 231, 37}},
                         {ColourMap::magma, 64 / 255.F, {81, 18, 124}},
                         {ColourMap::magma, 192 / 255.F, {252, 137, 97}},
                         {ColourMap::turbo, 64 / 255.F, {40, 188, 235}},
                         {ColourMap::turbo, 128 / 255.F, {164, 252, 60}},
                         {ColourMap::turbo, 1, {122, 4, 3}},
                         {ColourMap::jet, 0, {0, 0, 128}},
                         {ColourMap::jet, 0.375F, {0, 255, 255}},
                         {ColourMap::jet, 1, {128, 0, 0}},
                         {ColourMap::grey, 0.5F, {128, 128, 128}},
                         {ColourMap::grey, 1, {255, 255, 255}}};
  for (const Known& k : known) {
    const auto rgb = colour(k.map, k.value);
    for (std::size_t c = 0; c < 3; ++c) {
      CAPTURE(k.value);
      CHECK(std::abs(int{rgb[c]} - k.rgb[c]) <= 2);
    }
  }
}

TEST_CASE("perceptual maps rise in lightness throughout") {
  for (const ColourMap map : {ColourMap::inferno, ColourMap::viridis, ColourMap::magma, ColourMap::grey}) {
    double before = -1;
    for (int i = 0; i <= 64; ++i) {
      const auto rgb = colour(map, static_cast<float>(i) / 64);
      const double luma = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
      CHECK(luma > before);
      before = luma;
    }
  }
}

TEST_CASE("colours are clamped, and NaN has the lowest") {
  for (const ColourMap map : {ColourMap::inferno, ColourMap::turbo, ColourMap::grey}) {
    CHECK(colour(map, -3) == colour(map, 0));
    CHECK(colour(map, -infinity) == colour(map, 0));
    CHECK(colour(map, not_a_number) == colour(map, 0));
    CHECK(colour(map, 7) == colour(map, 1));
    CHECK(colour(map, infinity) == colour(map, 1));
  }
}

TEST_CASE("colour maps are found by name, and mistyped ones are guessed") {
  CHECK(colour_map_names().size() == 7);
  for (const std::string& name : colour_map_names()) CHECK_NOTHROW(parse_colour_map(name));
  CHECK(parse_colour_map("jet") == ColourMap::jet);
  CHECK(parse_colour_map("grey") == ColourMap::grey);
  CHECK_THROWS_AS(parse_colour_map("plasma"), UsageError);
  const std::string message = message_of([] { parse_colour_map("virdis"); });
  CHECK(message.find("did you mean viridis") != std::string::npos);
  CHECK(message.find("turbo") != std::string::npos);
}

TEST_CASE("a range is the map's own, or as far below zero as above") {
  const Tensor map({1, 3}, std::vector<float>{-2, 0, 1});
  CHECK(range_of(map, ColourMap::inferno).low == -2);
  CHECK(range_of(map, ColourMap::inferno).high == 1);
  CHECK(range_of(map, ColourMap::bluered).low == -2);
  CHECK(range_of(map, ColourMap::bluered).high == 2);
  CHECK(range_of(Tensor(), ColourMap::bluered).high == 0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(range_of(Tensor({1, 2}, std::vector<float>{nan, 3}), ColourMap::jet).low == 3);
  CHECK(range_of(Tensor({1, 1}, std::vector<float>{nan}), ColourMap::jet).high == 0);
}

TEST_CASE("a map on a range is clamped to it; what is no number and what is flat show nothing") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Tensor map({1, 6}, std::vector<float>{-1, 0, 1, nan, inf, -inf});
  const auto scaled = [&](ValueRange range, ColourMap colours) {
    const Tensor out = scaled_map(map, range, colours);
    return std::vector<float>(out.values().begin(), out.values().end());
  };
  CHECK(scaled({0, 2}, ColourMap::grey) == std::vector<float>{0, 0, 0.5F, 0, 1, 0});
  CHECK(scaled({-2, 2}, ColourMap::bluered) == std::vector<float>{0.25F, 0.5F, 0.75F, 0.5F, 1, 0});
  CHECK(scaled({0, 0}, ColourMap::bluered) == std::vector<float>{0.5F, 0.5F, 0.5F, 0.5F, 1, 0});
  CHECK(scaled({1, 1}, ColourMap::grey) == std::vector<float>{0, 0, 0, 0, 1, 0});
}
