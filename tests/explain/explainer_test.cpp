#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/explain.hpp>

#include "explain/paper_model.hpp"
#include "explain/session_cache.hpp"
#include "support/message_of.hpp"

using namespace ablaze;
using ablaze::testing::message_of;
using ablaze::testing::paper_model;
using ablaze::testing::tensor;

namespace {

/// 4x4, dark but for one red pixel in the upper left and green in the lower right quarter.
Image two_spots() {
  Image photo(4, 4);
  photo.at(0, 0)[0] = 255;
  for (int y = 2; y < 4; ++y) {
    for (int x = 2; x < 4; ++x) photo.at(x, y)[1] = 102;  // 0.4
  }
  return photo;
}

std::vector<float> numbers(const Tensor& t) { return {t.values().begin(), t.values().end()}; }

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string refusal(ExplainOptions options, Model model = paper_model()) {
  return message_of([&] { Explainer(model, options).explain(two_spots()); });
}

}  // namespace

TEST_CASE("a photo is explained in one call") {
  Explainer explainer(paper_model(), {});
  const auto all = explainer.explain(two_spots());
  REQUIRE(all.size() == 1);
  const Explanation& e = all[0];
  CHECK(e.method == "ablation");
  CHECK(e.layer == "relu");
  CHECK(e.layer_shape == Shape{3, 2, 2});
  CHECK(e.target.label == "red");
  CHECK(e.target.logit == doctest::Approx(0.25));  // one quarter of the pooled map is 1
  CHECK(e.top.size() == 4);
  REQUIRE(e.drops.size() == 3);
  CHECK(e.drops[0] == doctest::Approx(0.25));
  CHECK(e.drops[1] == 0);
  CHECK(e.weights[0] == doctest::Approx(1));
  CHECK(numbers(e.map) == std::vector<float>{1, 0, 0, 0});
  CHECK(e.note.empty());
  CHECK(e.milliseconds.forward > 0);
}

TEST_CASE("classes share the call and come in the order asked for") {
  Explainer explainer(paper_model(), {.classes = {"green", "top1", "not red"}});
  const auto all = explainer.explain(two_spots());
  REQUIRE(all.size() == 3);
  CHECK(all[0].target.label == "green");
  CHECK(all[1].target.label == "red");
  CHECK(all[0].map[3] == doctest::Approx(0.4));  // weight 1 times the channel
  CHECK(numbers(all[2].map) == std::vector<float>{0, 0, 0, 0});
  CHECK(says(all[2].note, "only against the class"));
}

TEST_CASE("a tensor goes in as it is, in any size the network takes") {
  Explainer explainer(paper_model(), {});
  Tensor small({3, 2, 2}), large({1, 3, 8, 6});
  small[0] = 1;
  large[0] = 1;
  CHECK(explainer.explain(small)[0].layer_shape == Shape{3, 1, 1});
  CHECK(explainer.explain(large)[0].layer_shape == Shape{3, 4, 3});
  CHECK(explainer.explain(two_spots())[0].layer_shape == Shape{3, 2, 2});
  CHECK(explainer.explain(large)[0].map[0] == 1);  // compiled anew or not: the same
}

TEST_CASE("tensors that are no picture are refused") {
  Explainer explainer(paper_model(), {});
  CHECK(says(message_of([&] { explainer.explain(Tensor({2, 3, 4, 4})); }), "2x3x4x4"));
  CHECK(says(message_of([&] { explainer.explain(Tensor({4, 4})); }), "4x4"));
  CHECK_THROWS_AS(explainer.explain(Tensor({1, 0, 4, 4})), Error);
  Tensor bad({3, 4, 4});
  bad[5] = std::numeric_limits<float>::infinity();
  CHECK(says(message_of([&] { explainer.explain(bad); }), "not finite"));
}

TEST_CASE("aliases of a layer work, and the name stays as it was asked for") {
  Explainer explainer(paper_model(), {.layer = "features"});
  CHECK(explainer.explain(two_spots())[0].layer == "features");
}

TEST_CASE("mistakes in the options show before anything runs") {
  CHECK_THROWS_AS(Explainer(paper_model(), {.methods = {"ablaton"}}), UsageError);
  CHECK(says(refusal({.methods = {"ablaton"}}), "did you mean ablation"));
  CHECK(says(refusal({.layer = "rleu"}), "relu"));
  CHECK(says(refusal({.layer = "fc"}), "no height and width"));
  CHECK(says(refusal({.classes = {"gren"}}), "did you mean green"));
  CHECK_THROWS_AS(Explainer(paper_model(), {.methods = {}}), UsageError);
  CHECK_THROWS_AS(Explainer(paper_model(), {.classes = {}}), UsageError);
  Model bare = paper_model();
  bare.activation = Activation::none;
  CHECK(says(refusal({.score = Score::Kind::probability}, bare), "not probabilities"));
}

TEST_CASE("methods named twice are asked once") {
  Explainer explainer(paper_model(), {.methods = {"ablation", "ablation"}});
  CHECK(explainer.explain(two_spots()).size() == 1);
}

TEST_CASE("a mask has the layer's size or is refused with both sizes") {
  ExplainOptions options;
  options.ablate = {Ablation::Kind::mask, 0, Tensor({4, 4})};
  const std::string message = refusal(options);
  CHECK(says(message, "4x4"));
  CHECK(says(message, "2x2"));
  options.ablate.mask = tensor({2, 2}, {0.5, 0, 0, 0});
  Explainer explainer(paper_model(), options);
  CHECK(explainer.explain(two_spots())[0].drops[0] == doctest::Approx(0.125));
}

TEST_CASE("progress counts up to its total, and false cancels") {
  Explainer explainer(paper_model(), {.layer = "pool"});
  std::int64_t last = -1, end = 0;
  explainer.explain(two_spots(), [&](std::int64_t done, std::int64_t total) {
    CHECK(done >= last);
    last = done;
    end = total;
    return true;
  });
  CHECK(last == end);
  CHECK_THROWS_AS(explainer.explain(two_spots(), [](auto, auto) { return false; }), Cancelled);
  CHECK(explainer.explain(two_spots()).size() == 1);  // and the next call is not hurt by it
}

TEST_CASE("methods() lists what the options take") {
  REQUIRE_FALSE(methods().empty());
  CHECK(methods().front().id == "ablation");
  CHECK_FALSE(methods().front().needs_gradients);
}

TEST_CASE("the cache holds a few sessions and compiles the rest anew") {
  explain::SessionCache cache(paper_model().graph, {});
  const explain::Compiled* first = &cache.at({1, 3, 4, 4});
  CHECK(&cache.at({1, 3, 4, 4}) == first);
  cache.at({1, 3, 8, 8});
  CHECK(&cache.at({1, 3, 4, 4}) == first);
  cache.at({1, 3, 6, 6});
  cache.at({1, 3, 2, 2});
  const Tensor ones = tensor({1, 3, 4, 4}, std::vector<float>(48, 1.0F));
  CHECK(numbers(cache.at(ones.shape()).run(ones).logits()) == std::vector<float>{1, 1, 1, -1});
}
