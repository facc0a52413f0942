// Fused, smoothed and mirrored maps against float64 (tests/data/maps/make_golden.py) and by hand.

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <ablaze/error.hpp>

#include "cam/augmentation.hpp"
#include "cam/fusion.hpp"
#include "cam/principal.hpp"
#include "support/message_of.hpp"
#include "support/relative_error.hpp"
#include "support/seeded.hpp"
#include "support/tensors.hpp"

using namespace ablaze;
using namespace ablaze::cam;
using namespace ablaze::testing;
using Json = nlohmann::json;

namespace {

const Json& golden() {
  static const Json values = Json::parse(std::ifstream(ABLAZE_SOURCE_DIR "/tests/data/maps/golden.json"));
  return values;
}

std::vector<Tensor> seeded_maps() {
  return {seeded_tensor("input.map0", {7, 5}), seeded_tensor("input.map1", {3, 4}),
          seeded_tensor("input.map2", {12, 9})};
}

Tensor positive(Tensor t) {
  for (float& v : t.values()) v = std::max(v, 0.0F);
  return t;
}

}  // namespace

TEST_CASE("fused maps are those of float64") {
  for (const Fusion how : {Fusion::mean, Fusion::maximum, Fusion::product}) {
    CAPTURE(to_string(how));
    const Tensor fused = fuse(seeded_maps(), how);
    CHECK(fused.shape() == Shape{12, 9});
    CHECK(relative_error(fused.values(), golden()["fused"][to_string(how)].get<std::vector<double>>()) <
          1e-6);
  }
}

TEST_CASE("fusion gives each layer the same say, whatever its units") {
  const Tensor small = tensor({1, 2}, {0.5F, -0.25F}), large = tensor({1, 2}, {2000, 4000});
  CHECK(widened(fuse(std::vector{small, large}, Fusion::mean)) == std::vector{0.75, 0.25});
  CHECK(widened(fuse(std::vector{small, large}, Fusion::maximum)) == std::vector{1.0, 1.0});
  const auto product = widened(fuse(std::vector{small, large}, Fusion::product));
  CHECK(product[0] == doctest::Approx(std::sqrt(0.5)));
  CHECK(product[1] == 0);  // the layers disagree
}

TEST_CASE("a layer that shows nothing is no division by zero") {
  const Tensor nothing({2, 2}), something = tensor({1, 1}, {3});
  CHECK(widened(fuse(std::vector{nothing, something}, Fusion::mean)) == std::vector(4, 0.5));
  CHECK(widened(fuse(std::vector{nothing, something}, Fusion::product)) == std::vector(4, 0.0));
  CHECK(widened(fuse(std::vector{nothing}, Fusion::maximum)) == std::vector(4, 0.0));
  CHECK_THROWS_AS(fuse({}, Fusion::mean), Error);
  CHECK_THROWS_AS(fuse(std::vector{Tensor({2})}, Fusion::mean), Error);
}

TEST_CASE("ways to fuse are found by name") {
  for (const Fusion how : {Fusion::mean, Fusion::maximum, Fusion::product})
    CHECK(parse_fusion(to_string(how)) == how);
  CHECK(message_of([] { parse_fusion("men"); }).find("did you mean mean") != std::string::npos);
}

TEST_CASE("the principal sum is that of a singular value decomposition") {
  const Tensor activation = positive(seeded_tensor("input.activation", {1, 6, 5, 7}));
  const auto weights = widened(seeded_tensor("input.weights", {6}));
  const Tensor sum = principal_sum(activation, weights);
  CHECK(sum.shape() == Shape{5, 7});
  CHECK(relative_error(sum.values(), golden()["principal"].get<std::vector<double>>()) < 1e-6);
}

TEST_CASE("of terms that are multiples of one map, the principal sum is the sum") {
  const Tensor activation = tensor({1, 3, 1, 2}, {1, 2, 2, 4, 5, 10});
  const auto sum = widened(principal_sum(activation, std::vector<double>{1, -2, 0.5}));
  CHECK(sum[0] == doctest::Approx(1 - 4 + 2.5));  // negative, because the sum is
  CHECK(sum[1] == doctest::Approx(2 - 8 + 5));
}

TEST_CASE("the principal sum of nothing is zero, and of two equal ones finite") {
  CHECK(widened(principal_sum(Tensor({1, 2, 2, 1}), std::vector<double>{1, 2})) == std::vector(2, 0.0));
  CHECK(widened(principal_sum(tensor({1, 1, 1, 2}, {1, 2}), std::vector<double>{0})) == std::vector(2, 0.0));
  const Tensor apart = tensor({1, 2, 1, 2}, {1, 0, 0, 1});  // no first component: both are equally large
  for (const double v : widened(principal_sum(apart, std::vector<double>{1, 1}))) CHECK(std::isfinite(v));
  CHECK_THROWS_AS(principal_sum(apart, std::vector<double>{1}), Error);
}

TEST_CASE("an input is looked at in six ways, the first of them its own") {
  const auto views = views_of({1, 3, 224, 224});
  REQUIRE(views.size() == 6);
  CHECK(views[0].input == Shape{1, 3, 224, 224});
  CHECK_FALSE(views[0].mirrored);
  CHECK(views[1].mirrored);
  CHECK(views[2].input == Shape{1, 3, 192, 192});
  CHECK(views[4].input == Shape{1, 3, 256, 256});
  CHECK(views_of({1, 3, 20, 33}).size() == 4);  // 16x32 for both scales
  CHECK(views_of({1, 1, 1, 2}).size() == 2);
  CHECK_THROWS_AS(views_of({2, 3, 8, 8}), Error);
}

TEST_CASE("views of an input are those of float64") {
  const Tensor input = seeded_tensor("input.view", {1, 2, 20, 19});
  for (const Json& expected : golden()["views"]) {
    const Tensor seen = seen_through({expected["shape"], expected["mirrored"]}, input);
    CHECK(seen.shape() == expected["shape"].get<Shape>());
    CHECK(relative_error(seen.values(), expected["values"].get<std::vector<double>>()) < 1e-6);
  }
}

TEST_CASE("a view's map is turned back") {
  const View mirrored{{1, 3, 10, 10}, true};
  CHECK(relative_error(turned_back(mirrored, seeded_tensor("input.map0", {7, 5}), 8, 6).values(),
                       golden()["turned_back"].get<std::vector<double>>()) < 1e-6);
  CHECK(widened(turned_back(mirrored, tensor({2, 2}, {1, 2, 3, 4}), 2, 2)) ==
        std::vector<double>{2, 1, 4, 3});
}
