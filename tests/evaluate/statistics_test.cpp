#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/statistics.hpp>

#include "base/random.hpp"

using namespace ablaze;
using doctest::Approx;

TEST_CASE("an interval of one value, or of none, has no length") {
  const Estimate one = bootstrap_mean(std::vector{3.5});
  CHECK(one.mean == 3.5);
  CHECK(one.low == 3.5);
  CHECK(one.high == 3.5);
  CHECK(one.count == 1);
  CHECK(bootstrap_mean({}).count == 0);
}

TEST_CASE("two values: resampled means are 0, 1/2 and 1 with chances 1/4, 1/2 and 1/4") {
  const std::vector<double> values{0, 1};
  const Estimate wide = bootstrap_mean(values);
  CHECK(wide.mean == 0.5);
  CHECK(wide.low == 0);
  CHECK(wide.high == 1);
  const Estimate narrow = bootstrap_mean(values, {.confidence = 0.4});
  CHECK(narrow.low == 0.5);
  CHECK(narrow.high == 0.5);
}

TEST_CASE("many values: the interval is the normal one") {
  base::SplitMix64 numbers(7);
  std::vector<double> values;
  double sum = 0, squares = 0;
  for (int i = 0; i < 1000; ++i) {
    values.push_back(numbers.unit() < 0.3 ? 100 : 0);
    sum += values.back();
    squares += values.back() * values.back();
  }
  const double mean = sum / 1000, error = std::sqrt((squares / 1000 - mean * mean) / 1000);
  const Estimate e = bootstrap_mean(values, {.resamples = 10'000});
  CHECK(e.mean == Approx(mean));
  CHECK(e.low == Approx(mean - 1.96 * error).epsilon(0.01));
  CHECK(e.high == Approx(mean + 1.96 * error).epsilon(0.01));
}

TEST_CASE("of 400 samples, about 95% have the true mean in their interval") {
  base::SplitMix64 numbers(11);
  int covered = 0;
  for (int sample = 0; sample < 400; ++sample) {
    std::vector<double> values;
    for (int i = 0; i < 60; ++i) values.push_back(numbers.unit());
    const Estimate e = bootstrap_mean(values, {.resamples = 500, .seed = static_cast<std::uint64_t>(sample)});
    covered += e.low <= 0.5 && 0.5 <= e.high ? 1 : 0;
  }
  CHECK(covered >= 367);  // 380 minus three standard deviations of a count of 400
  CHECK(covered <= 393);
}

TEST_CASE("the same values and seed give the same numbers, another seed others") {
  const std::vector<double> values{1, 2, 4, 8, 16, 32, 64, 65};
  const Estimate first = bootstrap_mean(values), again = bootstrap_mean(values);
  CHECK(first.low == again.low);
  CHECK(first.high == again.high);
  CHECK(bootstrap_mean(values, {.seed = 1}).low != first.low);
}

TEST_CASE("what two methods share drops out of their difference") {
  const std::vector<double> first{10, 50, 90, 30}, second{9, 49, 89, 29};
  const Estimate difference = paired_difference(first, second);
  CHECK(difference.mean == Approx(1));
  CHECK(difference.low == Approx(1));
  CHECK(difference.high == Approx(1));
  CHECK_THROWS_AS(paired_difference(first, std::vector{1.0}), Error);
}

TEST_CASE("wins are counted in the metric's sense, and equal pairs halved") {
  const std::vector<double> first{1, 2, 3, 4}, second{2, 2, 2, 2};
  CHECK(win_percentage(first, second, true).mean == Approx(62.5));
  CHECK(win_percentage(first, second, false).mean == Approx(37.5));
  CHECK(win_percentage(second, first, true).mean == Approx(37.5));
}

TEST_CASE("what makes no sense is refused") {
  const std::vector<double> values{1, 2};
  CHECK_THROWS_AS(bootstrap_mean(values, {.resamples = 0}), UsageError);
  CHECK_THROWS_AS(bootstrap_mean(values, {.confidence = 1}), UsageError);
  CHECK_THROWS_AS(bootstrap_mean(std::vector{std::numeric_limits<double>::quiet_NaN()}), Error);
}
