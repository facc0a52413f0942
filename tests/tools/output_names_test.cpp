#include "cli/explain/output_names.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/tensor.hpp>

using namespace ablaze;
using namespace ablaze::cli;

namespace {

Model model_with(std::vector<std::string> labels) {
  Model model;
  const auto classes = static_cast<std::int64_t>(labels.size());
  model.graph.add("input", op::Input{{3, 1, 1}}, {});
  model.graph.add("flatten", op::Flatten{}, {0});
  model.graph.add("fc", op::Linear{Tensor({classes, 3}), {}}, {1});
  model.labels = std::move(labels);
  return model;
}

std::vector<std::string> names_of(std::vector<std::string> labels) {
  const Model model = model_with(std::move(labels));
  const ClassFileNames names(model);
  std::vector<std::string> out;
  for (std::int64_t i = 0; i < model.class_count(); ++i) out.push_back(names.of(i));
  return out;
}

std::vector<std::string> prefixes_of(const std::vector<Input>& inputs) {
  std::vector<std::string> out;
  for (const auto& prefix : output_prefixes(inputs, "out")) out.push_back(prefix.string());
  return out;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a class's name is its label's slug") {
  CHECK(names_of({"golf ball", "tench, Tinca tinca"}) == Strings{"golf-ball", "tench-tinca-tinca"});
}

TEST_CASE("classes that would share a name carry their index, all of them") {
  CHECK(names_of({"crane", "tench", "Crane!"}) == Strings{"crane-0", "tench", "crane-2"});
}

TEST_CASE("a label without letters or digits is named by its index") {
  CHECK(names_of({"!!!", "tench"}) == Strings{"class-0", "tench"});
}

TEST_CASE("an index never makes a name that another class has") {
  const auto names = names_of({"crane", "crane", "crane-0"});
  CHECK(names[0] != names[2]);
  CHECK(names[0] != names[1]);
  CHECK(names[2] == "crane-0");
}

TEST_CASE("outputs go to the out folder, subfolders mirrored") {
  CHECK(prefixes_of({{"photos/a.jpg", {}}, {"set/x/b.png", "x"}, {"set/c.png", "."}}) ==
        Strings{"out/a", "out/x/b", "out/c"});
}

TEST_CASE("inputs that would share a name are numbered in their order") {
  CHECK(prefixes_of({{"a/x.jpg", {}}, {"b/x.jpg", {}}, {"b/x.png", {}}}) ==
        Strings{"out/x", "out/x-2", "out/x-3"});
  CHECK(prefixes_of({{"x.jpg", {}}, {"x-2.jpg", {}}, {"b/x.jpg", {}}}) ==
        Strings{"out/x", "out/x-2", "out/x-3"});
}

TEST_CASE("only the last ending is dropped") {
  CHECK(prefixes_of({{"my.best.photo.jpg", {}}}) == Strings{"out/my.best.photo"});
}
