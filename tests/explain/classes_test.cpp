#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/explain.hpp>

#include "explain/paper_model.hpp"
#include "support/message_of.hpp"

using namespace ablaze;
using ablaze::testing::message_of;
using ablaze::testing::paper_model;
using ablaze::testing::says;

namespace {

const Model birds = paper_model({"tench, Tinca tinca", "crane", "house finch, linnet", "golf ball", "crane",
                                 "golfcart, golf cart", "Golden retriever"});
const std::vector<float> class_logits{0, 3, 1, 3, -1, 2, -2};

std::vector<std::int64_t> indices(const std::vector<ClassScore>& scores) {
  std::vector<std::int64_t> out;
  for (const ClassScore& score : scores) out.push_back(score.index);
  return out;
}

std::vector<std::int64_t> resolved(std::vector<std::string> words) {
  return indices(resolve_classes(birds, class_logits, words));
}

std::string complaint(const std::string& word) {
  return message_of([&] { resolved({word}); });
}

}  // namespace

TEST_CASE("the best classes come first, ties by index") {
  CHECK(indices(top_classes(birds, class_logits, 4)) == std::vector<std::int64_t>{1, 3, 5, 2});
  CHECK(top_classes(birds, class_logits, 100).size() == 7);
  CHECK(top_classes(birds, class_logits, 0).empty());
  CHECK(top_classes(birds, class_logits, -3).empty());
}

TEST_CASE("nan ranks below everything") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> row{nan, 1, nan, -5, 0, 0, 0};
  CHECK(indices(top_classes(birds, row, 3)) == std::vector<std::int64_t>{1, 4, 5});
}

TEST_CASE("scores carry label, logit and probability") {
  const auto best = top_classes(birds, class_logits, 1).front();
  double sum = 0;
  for (const float logit : class_logits) sum += std::exp(logit);
  CHECK(best.label == "crane");
  CHECK(best.logit == 3);
  CHECK(best.probability == doctest::Approx(std::exp(3.0) / sum));
}

TEST_CASE("a sigmoid's probability is its own, and a head without one has none") {
  Model model = birds;
  model.activation = Activation::sigmoid;
  CHECK(top_classes(model, class_logits, 1)[0].probability == doctest::Approx(1 / (1 + std::exp(-3.0))));
  model.activation = Activation::none;
  CHECK(std::isnan(top_classes(model, class_logits, 1)[0].probability));
}

TEST_CASE("classes are named by index, rank or label, each once and in order") {
  CHECK(resolved({"6", "0"}) == std::vector<std::int64_t>{6, 0});
  CHECK(resolved({"top2"}) == std::vector<std::int64_t>{1, 3});
  CHECK(resolved({"golf ball", "top3", "3"}) == std::vector<std::int64_t>{3, 1, 5});
  CHECK(resolved({}).empty());
}

TEST_CASE("a label may be whole, one of its names, or an unambiguous part, in any case") {
  CHECK(resolved({"tench, Tinca tinca"}) == std::vector<std::int64_t>{0});
  CHECK(resolved({"TENCH"}) == std::vector<std::int64_t>{0});
  CHECK(resolved({"linnet"}) == std::vector<std::int64_t>{2});
  CHECK(resolved({"golf cart"}) == std::vector<std::int64_t>{5});
  CHECK(resolved({"retriev"}) == std::vector<std::int64_t>{6});
  CHECK(resolved({" golf ball "}) == std::vector<std::int64_t>{3});
}

TEST_CASE("an ambiguous label names its candidates and their indices") {
  CHECK(says(complaint("crane"), "\"crane\" (1) and \"crane\" (4)"));
  CHECK(says(complaint("golf"), "\"golf ball\" (3) and \"golfcart, golf cart\" (5)"));
}

TEST_CASE("what names no class is a usage error that helps") {
  CHECK(says(complaint("golf bal1"), "did you mean golf ball"));
  CHECK(says(complaint("tnech"), "did you mean tench"));
  CHECK(says(complaint("7"), "7 classes, 0 to 6"));
  CHECK(says(complaint("99999999999999999999999"), "7 classes, 0 to 6"));
  CHECK(says(complaint("top0"), "7 classes"));
  CHECK(says(complaint("top8"), "7 classes"));
  CHECK(says(complaint("-1"), "no class"));
  CHECK(says(complaint(""), "no class"));
  CHECK_THROWS_AS(resolved({"zebra"}), UsageError);
}

TEST_CASE("a model without labels has indices alone") {
  Model model = birds;
  model.labels.clear();
  const std::vector<std::string> digits{"2"}, word{"crane"};
  CHECK(resolve_classes(model, class_logits, digits).front().label == "class 2");
  CHECK(says(message_of([&] { resolve_classes(model, class_logits, word); }), "by its index, 0 to 6"));
}

TEST_CASE("an underscore in a label or a word is a blank") {
  const Model keras = paper_model({"golf_ball", "gas_pump", "a", "b", "c", "d", "e"});
  const auto index = [](const Model& model, const std::string& word) {
    return indices(resolve_classes(model, class_logits, std::vector<std::string>{word}));
  };
  CHECK(index(keras, "Golf ball") == std::vector<std::int64_t>{0});
  CHECK(index(keras, "gas_pump") == std::vector<std::int64_t>{1});
  CHECK(index(birds, "golf_ball") == std::vector<std::int64_t>{3});
}
