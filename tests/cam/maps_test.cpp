#include "cam/maps.hpp"

#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "support/message_of.hpp"
#include "support/tensors.hpp"

using namespace ablaze;
using namespace ablaze::cam;
using ablaze::testing::message_of;
using ablaze::testing::numbers;
using ablaze::testing::tensor;

namespace {

// Three channels of one row and two columns.
const Tensor three_channels = tensor({1, 3, 1, 2}, {1, 2, 3, 4, 5, 6});

}  // namespace

TEST_CASE("a weighted sum keeps its signs until it is rectified") {
  const std::vector<double> weights{1, -2, 0.5};
  const Tensor sum = weighted_sum(three_channels, weights);
  CHECK(sum.shape() == Shape{1, 2});
  CHECK(numbers(sum) == std::vector<float>{-2.5, -3});  // 1 - 6 + 2.5, 2 - 8 + 3
  CHECK(numbers(rectified(sum)) == std::vector<float>{0, 0});
  CHECK(numbers(rectified(tensor({1, 3}, {-1, 0, 2}))) == std::vector<float>{0, 0, 2});
}

TEST_CASE("large terms that cancel leave the small one") {
  const Tensor a = tensor({1, 3, 1, 1}, {1, 1, 1});
  const std::vector<double> weights{1e9, 0.25, -1e9};  // float32 would lose the quarter
  CHECK(numbers(weighted_sum(a, weights)) == std::vector<float>{0.25});
}

TEST_CASE("a weighted sum refuses what does not fit") {
  const std::vector<double> two{1, 2};
  CHECK(message_of([&] { weighted_sum(three_channels, two); }).find("3 channels") != std::string::npos);
  const std::vector<double> three{1, 2, 3};
  CHECK_THROWS_AS(weighted_sum(tensor({3, 1, 2}, {1, 2, 3, 4, 5, 6}), three), Error);
  CHECK_THROWS_AS(weighted_sum(Tensor({2, 3, 1, 1}), three), Error);
}

TEST_CASE("a sum beyond float32 is an error, never infinity or nan") {
  const float huge = std::numeric_limits<float>::max();
  const Tensor a = tensor({1, 1, 1, 1}, {huge});
  const std::vector<double> weights{2};
  CHECK(message_of([&] { weighted_sum(a, weights); }).find("not finite") != std::string::npos);
}

TEST_CASE("a map that shows nothing says why") {
  CHECK(note_on(tensor({1, 2}, {-1, 2})).empty());
  CHECK(note_on(tensor({1, 2}, {0, 2})).empty());
  CHECK(note_on(tensor({1, 2}, {0, 0})).find("no channel of this layer changes the score") !=
        std::string::npos);
  CHECK(note_on(tensor({1, 2}, {-1, 0})).find("layer all evidence is against the class") !=
        std::string::npos);
  CHECK(note_on(tensor({1, 2}, {-1, -2})).find("layer all evidence is against the class") !=
        std::string::npos);
  CHECK(note_on(tensor({1, 2}, {-1, 0.01F})).find("almost all evidence is against") != std::string::npos);
  CHECK(note_on(tensor({1, 2}, {-1, 0.02F})).empty());
  CHECK(note_on(tensor({1, 2}, {3, 3})).find("the map is constant") != std::string::npos);
}
