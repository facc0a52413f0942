#include <set>
#include <string_view>

#include <doctest/doctest.h>

#include "cam/method.hpp"

using namespace ablaze;

TEST_CASE("every method is found by its own id and tells what it is") {
  std::set<std::string_view> ids;
  for (const cam::Method* method : cam::methods()) {
    CHECK(ids.insert(method->id).second);
    CHECK(cam::find_method(method->id) == method);
    CHECK_FALSE(method->name.empty());
    CHECK(method->summary.ends_with('.'));
    CHECK_FALSE(method->paper.empty());
    CHECK((method->explain != nullptr));
    CHECK((method->cost != nullptr));
  }
  CHECK(ids.contains("ablation"));
  CHECK(cam::find_method("no-such-method") == nullptr);
}
