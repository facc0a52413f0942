#include "evaluate/formulas.hpp"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/evaluate.hpp>

#include "evaluate/baselines.hpp"
#include "evaluate/boxes.hpp"
#include "evaluate/metrics.hpp"
#include "evaluate/perturbation.hpp"
#include "evaluate/probes.hpp"
#include "explain/paper_model.hpp"
#include "support/message_of.hpp"

using namespace ablaze;
using namespace ablaze::evaluate;
using ablaze::testing::message_of;
using ablaze::testing::tensor;
using doctest::Approx;

TEST_CASE("drops and gains are shares of what can be lost or gained") {
  CHECK(average_drop(0.8, 0.2) == Approx(0.75));
  CHECK(average_drop(0.2, 0.8) == 0);
  CHECK(average_drop(0, 0) == 0);
  CHECK(average_gain(0.8, 0.9) == Approx(0.5));
  CHECK(average_gain(0.9, 0.8) == 0);
  CHECK(average_gain(1, 1) == 0);
}

TEST_CASE("the area under a curve is that of its trapezia") {
  CHECK(area_under(std::vector{0.0, 1.0}) == Approx(0.5));
  CHECK(area_under(std::vector{1.0, 0.5, 0.25, 0.25}) == Approx((0.75 + 0.375 + 0.25) / 3));
}

TEST_CASE("correlations") {
  const std::vector<float> a{1, 2, 3, 4}, up{2, 4, 6, 8}, down{4, 3, 2, 1}, bent{1, 4, 9, 16},
      flat{7, 7, 7, 7};
  CHECK(pearson(a, up).value() == Approx(1));
  CHECK(pearson(a, down).value() == Approx(-1));
  CHECK(pearson(a, bent).value() == Approx(0.98437404));  // 25 / sqrt(5 * 129)
  CHECK(spearman(a, bent).value() == Approx(1));
  CHECK(!pearson(a, flat));
  CHECK(!spearman(flat, a));
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
  CHECK(spearman(std::vector<float>{0, 5, 5, 9}, a).value() == Approx(0.9486833));
}

TEST_CASE("a constant that has no exact mean is constant") {
  const std::vector<float> tenth(10, 0.1F), other{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(!pearson(tenth, other));
}

TEST_CASE("ADCC is a harmonic mean") {
  CHECK(adcc(1, 0.25, 0) == Approx(0.9));
  CHECK(adcc(0.5, 0.5, 0.5) == Approx(0.5));
  CHECK(adcc(0, 0.5, 0.5) == 0);
  CHECK(adcc(1, 1, 0) == 0);
  CHECK(adcc(1, 0, 1) == 0);
}

TEST_CASE("pixels' turns come by value, equal ones in reading order, in steps of equal size") {
  const Tensor mask = tensor({2, 5}, {0, 0.5F, 1, 0.5F, 0, 0, 0, 0.25F, 0, 0.75F});
  CHECK(turns(mask, 10) == std::vector<std::uint16_t>{6, 3, 1, 4, 7, 8, 9, 5, 10, 2});
}

TEST_CASE("steps share the pixels out as evenly as whole pixels can be") {
  const Tensor mask = tensor({1, 5}, {5, 4, 3, 2, 1});
  CHECK(turns(mask, 2) == std::vector<std::uint16_t>{1, 1, 2, 2, 2});
  CHECK(turns(mask, 1) == std::vector<std::uint16_t>{1, 1, 1, 1, 1});
  CHECK(turns(mask, 10) == std::vector<std::uint16_t>{2, 4, 6, 8, 10});
}

TEST_CASE("probes are mixed and blended plane by plane") {
  const std::vector<float> photo{1, 2, 3, 4, 5, 6}, hidden{10, 20, 30, 40, 50, 60};
  std::vector<float> out(6);
  mix(std::vector<std::uint16_t>{2, 1, 3}, 2, photo, hidden, out);
  CHECK(out == std::vector<float>{1, 2, 30, 4, 5, 60});
  blend(std::vector<float>{0, 1, 0.5F}, photo, hidden, out);
  CHECK(out == std::vector<float>{10, 2, 16.5F, 40, 5, 33});
}

TEST_CASE("a mask reaches from 0 to 1, whatever the map's unit") {
  const Tensor mask = mask_of(tensor({2, 2}, {-3e-20F, 1e-20F, 0, 0}), 6, 5);
  CHECK(mask.shape() == Shape{6, 5});
  CHECK(*std::ranges::min_element(mask.values()) == 0);
  CHECK(*std::ranges::max_element(mask.values()) == 1);
  CHECK(is_flat(mask_of(tensor({2, 2}, {3, 3, 3, 3}), 6, 5)));
}

TEST_CASE("a blur's weights add up to 1 and are symmetric; what lies beyond the edges is zero") {
  Tensor ones({1, 1, 31, 33});
  std::ranges::fill(ones.values(), 1.0F);
  const Tensor out = blurred(ones, 11, 5);
  CHECK(out[15 * 33 + 16] == Approx(1).epsilon(1e-6));
  CHECK(out[0] < 0.5F);
  CHECK(out[0] == Approx(out[31 * 33 - 1]).epsilon(1e-6));
  CHECK(out[32] == Approx(out[30 * 33]).epsilon(1e-6));
  Tensor spot({1, 1, 15, 15});
  spot[7 * 15 + 7] = 1;
  const Tensor seen = blurred(spot, 5, 0.8);
  // exp(-i^2 / 1.28) to four standard deviations, i = +-3, folded to i = +-2.
  CHECK(seen[7 * 15 + 7] == Approx(0.4986776 * 0.4986776).epsilon(1e-4));
  CHECK(seen[7 * 15 + 4] == 0);
  CHECK(seen[7 * 15 + 5] > 0);
}

TEST_CASE("black is what the preprocessing makes of zeros") {
  const Preprocess how{4, 4, Interpolation::bilinear, {0.5F, 0.25F, 0}, {0.5F, 0.5F, 1}};
  const Tensor probe = baseline_image(Baseline::black, Tensor({1, 3, 1, 2}), how, {});
  CHECK(std::vector<float>(probe.values().begin(), probe.values().end()) ==
        std::vector<float>{-1, -1, -0.5F, -0.5F, 0, 0});
}

TEST_CASE("the summit of a mask is the middle of its highest pixels") {
  const Rectangle whole{0, 0, 10, 8};
  const Tensor plateau = tensor({1, 5}, {0, 1, 1, 1, 0});
  CHECK(summit(plateau, whole).x == Approx(5));
  CHECK(summit(plateau, whole).y == Approx(4));
  // Two maxima: the nearer to their mean, here equally near.
  CHECK(summit(tensor({1, 5}, {1, 0, 0, 0, 1}), whole).x == Approx(1));
}

TEST_CASE("a point's distance to boxes") {
  const std::vector<PixelRectangle> boxes{{0, 0, 2, 2}, {10, 0, 2, 2}};
  CHECK(distance({1, 1}, boxes) == 0);
  CHECK(distance({5, 6}, boxes) == Approx(5));
  CHECK(distance({9, 1}, boxes) == Approx(1));
}

TEST_CASE("energy counts pixels whose middle is in a box, each once") {
  const Tensor mask = tensor({2, 2}, {1, 0.5F, 0.25F, 0.25F});
  const Rectangle seen{2, 0, 4, 4};  // pixel centres at x = 3, 5 and y = 1, 3
  CHECK(energy_inside(mask, std::vector<PixelRectangle>{{2, 0, 2, 2}}, seen).share == Approx(0.5));
  CHECK(energy_inside(mask, std::vector<PixelRectangle>{{2, 0, 2, 2}, {0, 0, 4, 4}}, seen).share ==
        Approx(0.625));
  CHECK(energy_inside(mask, std::vector<PixelRectangle>{{0, 0, 2, 4}}, seen).pixels == 0);
  CHECK(energy_inside(Tensor({2, 2}), std::vector<PixelRectangle>{{0, 0, 6, 4}}, seen).share == 0);
}

TEST_CASE("metrics are listed once, in the order of their numbers") {
  REQUIRE(metrics().size() == 11);
  CHECK(info_of(Metric::average_drop).id == "average-drop");
  CHECK(info_of(Metric::deletion).id == "deletion");
  CHECK(info_of(Metric::randomization).id == "randomization");
  CHECK(metrics_named(std::vector<std::string>{"adcc", "adcc"}) == std::vector{Metric::adcc});
  const std::string refusal = message_of([] { metrics_named(std::vector<std::string>{"insertoin"}); });
  CHECK(refusal.find("did you mean insertion") != std::string::npos);
}

TEST_CASE("baselines have names") {
  for (const Baseline b : {Baseline::mean, Baseline::black, Baseline::blur})
    CHECK(parse_baseline(to_string(b)) == b);
  CHECK_THROWS_AS(parse_baseline("white"), UsageError);
}

TEST_CASE("a photo's probes are planned once, and shared") {
  const std::vector<Metric> all{Metric::average_drop, Metric::insertion, Metric::deletion};
  EvaluateOptions options;
  CHECK(plan_probes(all, 3, options).probes.size() == 3 + 3 * (1 + 2 * 49));
  options.insertion = Baseline::mean;
  CHECK(plan_probes(all, 3, options).probes.size() == 2 + 3 * (1 + 2 * 49));
  CHECK(plan_probes(std::vector{Metric::adcc}, 2, options).probes.size() == 3);
  CHECK(plan_probes(std::vector{Metric::complexity, Metric::coherency}, 2, options).probes.empty());
  options.steps = 1;
  const Plan plan = plan_probes(std::vector{Metric::deletion}, 1, options);
  CHECK(plan.probes.size() == 2);
  CHECK(plan.methods[0].deletion == std::vector<std::size_t>{plan.photo, 1});
}
