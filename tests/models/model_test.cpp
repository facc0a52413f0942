#include <fstream>
#include <stdlib.h>

#include <doctest/doctest.h>

#include <ablaze/model.hpp>

#include "models/synthetic.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

/// Sets an environment variable and restores the previous state.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* before = ::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("the self-test's input is splitmix64's, the same in every language") {
  // Computed with Python's integers: ((z >> 40) / 2**24) * 4 - 2.
  const Tensor zero = selftest_input({1, 3, 1, 1}, 0);
  CHECK(zero.shape() == Shape{1, 3, 1, 1});
  CHECK(zero[0] == 1.533243179321289F);
  CHECK(zero[1] == -0.27388811111450195F);
  CHECK(zero[2] == -1.8942649364471436F);
  CHECK(selftest_input({2}, ~std::uint64_t{0})[1] == 1.6503887176513672F);
  const Tensor many = selftest_input({1, 3, 40, 40}, 5);
  double sum = 0;
  for (const float v : many.values()) {
    CHECK((v >= -2.0F && v < 2.0F));
    sum += static_cast<double>(v);
  }
  CHECK(std::abs(sum) / static_cast<double>(many.size()) < 0.1);
}

TEST_CASE("a model without layers has no classes") { CHECK(Model{}.class_count() == 0); }

TEST_CASE("ABLAZE_WEIGHTS names the shipped model's file or its folder") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "resnet18_thin-imagenette.safetensors";
  {
    const Environment set("ABLAZE_WEIGHTS", folder.path().string());
    CHECK(error_of([] { shipped_model(); }).find("ABLAZE_WEIGHTS") != std::string::npos);
    std::ofstream(file) << "x";
    CHECK(shipped_model() == file);
  }
  const Environment set("ABLAZE_WEIGHTS", file.string());
  CHECK(shipped_model() == file);
  const Environment missing("ABLAZE_WEIGHTS", (folder.path() / "none").string());
  CHECK(error_of([] { shipped_model(); }).find("none") != std::string::npos);
}

TEST_CASE("without ABLAZE_WEIGHTS the source tree's model is found") {
  const Environment unset("ABLAZE_WEIGHTS", "");
  CHECK(shipped_model().ends_with("/resnet18_thin-imagenette.safetensors"));
}
