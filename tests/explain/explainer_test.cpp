#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/explain.hpp>

#include "cam/augmentation.hpp"
#include "explain/paper_model.hpp"
#include "explain/session_cache.hpp"
#include "support/message_of.hpp"

using namespace ablaze;
using ablaze::testing::message_of;
using ablaze::testing::numbers;
using ablaze::testing::paper_model;
using ablaze::testing::says;
using ablaze::testing::tensor;

namespace {

/// 4x4, black except for one red pixel in the upper left and green in the lower right quarter.
Image two_spots() {
  Image photo(4, 4);
  photo.at(0, 0)[0] = 255;
  for (int y = 2; y < 4; ++y) {
    for (int x = 2; x < 4; ++x) photo.at(x, y)[1] = 102;  // 0.4
  }
  return photo;
}

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
  CHECK(e.layer_names() == "relu");
  CHECK(e.layer_shape() == Shape{3, 2, 2});
  CHECK(e.target.label == "red");
  CHECK(e.target.logit == doctest::Approx(0.25));  // one quarter of the pooled map is 1
  CHECK(e.top.size() == 4);
  REQUIRE(e.layers[0].drops.size() == 3);
  CHECK(e.layers[0].drops[0] == doctest::Approx(0.25));
  CHECK(e.layers[0].drops[1] == 0);
  CHECK(e.layers[0].weights[0] == doctest::Approx(1));
  CHECK(numbers(e.map) == std::vector<float>{1, 0, 0, 0});
  CHECK(e.note.empty());
  CHECK(e.milliseconds.forward > 0);
  CHECK(e.seen == Rectangle{0, 0, 4, 4});
  CHECK(numbers(*e.input) == numbers(preprocess(two_spots(), explainer.model().preprocess)));
}

TEST_CASE("several photos are explained as each of them is alone") {
  Image black(6, 4);
  const std::vector<Image> photos{two_spots(), black, two_spots()};
  Explainer explainer(paper_model(), {});
  std::int64_t last = 0, end = 0;
  const auto all = explainer.explain(photos, [&](std::int64_t done, std::int64_t total) {
    CHECK(done * std::max<std::int64_t>(end, 1) >= last * total);  // as a share, it never falls
    last = done, end = total;
    return true;
  });
  REQUIRE(all.size() == 3);
  CHECK(last == end);
  for (std::size_t i = 0; i < all.size(); ++i) {
    Explainer alone(paper_model(), {});
    CHECK(numbers(all[i][0].map) == numbers(alone.explain(photos[i])[0].map));
  }
  CHECK(all[1][0].seen == Rectangle{1, 0, 4, 4});
  CHECK(explainer.explain(std::vector<Image>{}).empty());
}

TEST_CASE("classes share the call and come in the order asked for") {
  Explainer explainer(paper_model(), {.classes = {"green", "top1", "not red"}});
  const auto all = explainer.explain(two_spots());
  REQUIRE(all.size() == 3);
  CHECK(all[0].target.label == "green");
  CHECK(all[1].target.label == "red");
  CHECK(all[0].map[3] == doctest::Approx(0.4));  // weight 1 times the channel
  CHECK(numbers(all[2].map) == std::vector<float>{0, 0, 0, 0});
  CHECK(says(all[2].note, "layer all evidence is against the class"));
}

TEST_CASE("a selection of the methods answers for any classes") {
  Explainer explainer(paper_model(), {.methods = {"ablation", "gradcam", "random"}});
  Tensor input({1, 3, 4, 4});
  input[0] = 1;
  const auto some = explainer.explain(input, {.methods = {"random", "gradcam"}, .classes = {3, 1}});
  REQUIRE(some.size() == 4);
  CHECK(some[0].method == "random");
  CHECK(some[3].method == "gradcam");
  CHECK(some[0].target.index == 3);
  CHECK(some[1].target.index == 1);
  CHECK(explainer.explain(input, Selection{}).size() == 3);
  CHECK_THROWS_AS(explainer.explain(input, {.methods = {"cam"}}), UsageError);
  CHECK_THROWS_AS(explainer.explain(input, {.classes = {4}}), UsageError);
  CHECK_THROWS_AS(explainer.explain(input, {.classes = {-1}}), UsageError);
}

TEST_CASE("a selection explains an input of its own size, whatever size photos are shown at") {
  Explainer explainer(paper_model(), {.size = 8});
  Tensor input({1, 3, 6, 4});
  input[0] = 1;
  CHECK_THROWS_AS(explainer.explain(input), Error);
  CHECK(explainer.explain(input, Selection{})[0].layer_shape() == Shape{3, 3, 2});
}

TEST_CASE("an explainer's network runs batches of other inputs") {
  Explainer explainer(paper_model(), {.size = 8});
  Batch batch = explainer.batch(std::size_t{1} << 20, 5);
  CHECK(batch.size() == 4);
  REQUIRE(batch.inputs().shape() == Shape{4, 3, 8, 8});
  for (float& value : batch.inputs().values()) value = 0;
  batch.inputs()[2 * 3 * 64] = 1;
  const Tensor logits = batch.run();
  CHECK(logits[2 * 4] == doctest::Approx(1.0 / 16));
  CHECK(logits[0] == 0);
}

TEST_CASE("a tensor goes in as it is, in any size the network takes") {
  Explainer explainer(paper_model(), {});
  Tensor small({3, 2, 2}), large({1, 3, 8, 6});
  small[0] = 1;
  large[0] = 1;
  CHECK(explainer.explain(small)[0].layer_shape() == Shape{3, 1, 1});
  CHECK(explainer.explain(large)[0].layer_shape() == Shape{3, 4, 3});
  CHECK(explainer.explain(two_spots())[0].layer_shape() == Shape{3, 2, 2});
  CHECK(explainer.explain(large)[0].map[0] == 1);  // the same after recompilation
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
  CHECK(explainer.explain(two_spots())[0].layer_names() == "features");
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
  CHECK(explainer.explain(two_spots())[0].layers[0].drops[0] == doctest::Approx(0.125));
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
  CHECK(explainer.explain(two_spots()).size() == 1);  // the next call is not affected
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

TEST_CASE("several layers' maps become one, and each layer is told of") {
  Explainer explainer(paper_model(), {.classes = {"red", "not red"}, .fuse = {"pool", "relu"}});
  const auto all = explainer.explain(two_spots());
  REQUIRE(all.size() == 2);
  const Explanation& e = all[0];
  CHECK(e.layer_names() == "pool,relu");
  CHECK(e.layer_shape() == Shape{6, 2, 2});
  CHECK(e.input->shape() == Shape{1, 3, 4, 4});
  CHECK(e.divisor == 1);
  REQUIRE(e.layers.size() == 2);
  CHECK(e.layers[0].layer == "pool");
  CHECK(e.layers[1].layer_shape == Shape{3, 2, 2});
  CHECK(e.layers[1].drops[0] == doctest::Approx(0.25));
  CHECK(numbers(e.map) == std::vector<float>{1, 0, 0, 0});
  CHECK(says(all[1].note, "relu: the map is zero everywhere"));
  CHECK(all[1].signed_map[0] == -1);
}

TEST_CASE("what cannot be fused is wrong usage") {
  CHECK(says(refusal({.fuse = {"relu", "fc"}}), "no height and width"));
  CHECK(says(refusal({.fuse = {"relu", "relu"}}), "given twice"));
  CHECK(says(refusal({.layer = "relu", .fuse = {"pool"}}), "not both"));
}

TEST_CASE("an augmented map is the mean over the views, each run alone") {
  // Views of 64x48: 64x48 itself, 0.85 of it (48x48) and 1.15 (80x64), each plain and mirrored.
  Tensor input({1, 3, 64, 48});
  for (std::int64_t i = 0; i < input.size(); ++i)
    input[i] = static_cast<float>((i * 7919) % 101) / 50.0F - 0.5F;
  ExplainOptions plain;
  plain.classes = {"red"};
  ExplainOptions augmented = plain;
  augmented.smooth.augment = true;
  Explainer one(paper_model(), plain), mean(paper_model(), augmented);

  std::vector<double> expected(32 * 24);
  const auto views = cam::views_of(input.shape());
  REQUIRE(views.size() == 6);
  for (const cam::View& view : views) {
    const Explanation alone = one.explain(cam::seen_through(view, input))[0];
    const Tensor map = cam::turned_back(view, alone.signed_map, 24, 32);
    for (std::size_t p = 0; p < expected.size(); ++p) expected[p] += map.values()[p] / 6.0;
  }
  for (int round = 0; round < 2; ++round) {  // no state of one input affects the next
    const Explanation found = mean.explain(input)[0];
    REQUIRE(found.map.shape() == Shape{32, 24});
    CHECK(found.layers[0].drops == one.explain(input)[0].layers[0].drops);
    for (std::size_t p = 0; p < expected.size(); ++p) {
      CHECK(found.signed_map.values()[p] == doctest::Approx(expected[p]).epsilon(1e-6));
      CHECK(found.map.values()[p] == std::max(found.signed_map.values()[p], 0.0F));
    }
  }
}

TEST_CASE("principal smoothing keeps a map that one channel makes") {
  ExplainOptions options;
  options.smooth.principal = true;
  options.classes = {"red", "not red"};
  Explainer explainer(paper_model(), options);
  const auto all = explainer.explain(two_spots());
  CHECK(numbers(all[0].map) == std::vector<float>{1, 0, 0, 0});
  CHECK(says(all[1].note, "layer all evidence is against the class"));
}

TEST_CASE("a larger size shows the same part of a photo with more pixels") {
  Image photo(9, 6);
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 9; ++x) photo.at(x, y)[0] = static_cast<std::uint8_t>(20 * x + 7 * y);
  }
  Explainer large(paper_model(), {.classes = {"red"}, .size = 12});
  CHECK(large.model().preprocess.crop == 12);
  CHECK(large.model().preprocess.resize == 12);
  const Explanation found = large.explain(photo)[0];
  CHECK(found.input->shape() == Shape{1, 3, 12, 12});
  CHECK(found.layer_shape() == Shape{3, 6, 6});

  Explainer plain(paper_model(), {.classes = {"red"}});
  const Preprocess twelve{12, 12, Interpolation::bilinear, {0, 0, 0}, {1, 1, 1}};
  CHECK(numbers(plain.explain(preprocess(photo, twelve))[0].map) == numbers(found.map));
  CHECK(says(message_of([&] { large.explain(Tensor({1, 3, 4, 4})); }), "applies to photos only"));
  CHECK(says(refusal({.size = -3}), "-3"));
  CHECK(says(refusal({.size = 1}), "1x1"));  // nothing is left after the pool
  CHECK(says(refusal({.size = 100000}), "16384"));
}

TEST_CASE("the layer's activations come with the explanation where they are asked for") {
  Explainer explainer(paper_model(), {.keep_activations = true});
  CHECK(explainer.explain(two_spots())[0].layers[0].activation.shape() == Shape{3, 2, 2});
  CHECK(Explainer(paper_model(), {}).explain(two_spots())[0].layers[0].activation.size() == 0);
}

TEST_CASE("the divisor brings maps of several classes to one unit") {
  Explainer explainer(paper_model(), {.classes = {"red", "green"}});
  const auto all = explainer.explain(two_spots());
  CHECK(all[0].divisor == doctest::Approx(0.25));
  CHECK(all[1].divisor == doctest::Approx(0.1));
  CHECK(all[1].map[3] * all[1].divisor == doctest::Approx(0.4 * 0.1));  // the drop times the channel
}
