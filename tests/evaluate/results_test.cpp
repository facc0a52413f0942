#include "evaluate/run/results.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/message_of.hpp"

using namespace ablaze;
using namespace ablaze::evaluate;
using ablaze::testing::message_of;

namespace {

PhotoResult some_result(std::size_t photo) {
  PhotoResult result{photo, "a/" + std::to_string(photo) + ".jpg", 3, "golf ball", {}, {}};
  result.measurements.push_back({"ablation", "insertion", 0.1 + 0.2, {0, 1.0 / 3, 1}, ""});
  result.measurements.push_back({"random", "insertion", -1e-17, {}, "the map is flat"});
  return result;
}

std::vector<std::size_t> photos_of(const std::vector<ResultBlock>& blocks) {
  std::vector<std::size_t> photos;
  for (const ResultBlock& block : blocks) photos.push_back(block.photo);
  return photos;
}

using Photos = std::vector<std::size_t>;

}  // namespace

TEST_CASE("a photo's lines read back as they were, to the last bit") {
  const PhotoResult result = some_result(7);
  const PhotoResult back = parse_lines(to_lines(result));
  CHECK(back.photo == 7);
  CHECK(back.path == "a/7.jpg");
  CHECK(back.target == 3);
  CHECK(back.label == "golf ball");
  REQUIRE(back.measurements.size() == 2);
  CHECK(back.measurements[0].value == 0.1 + 0.2);
  CHECK(back.measurements[0].curve == result.measurements[0].curve);
  CHECK(back.measurements[1].value == -1e-17);
  CHECK(back.measurements[1].note == "the map is flat");
  CHECK(to_lines(back) == to_lines(result));
}

TEST_CASE("a photo that failed, or has nothing to measure, is one line") {
  const PhotoResult failed{1, "b\xFF.jpg", -1, "", {}, "no picture"};
  CHECK(parse_lines(to_lines(failed)).error == "no picture");
  CHECK(scan_results(to_lines(failed)).blocks.at(0).failed);
  const PhotoResult empty{2, "c.jpg", 1, "tench", {}, ""};
  CHECK(scan_results(to_lines(empty)).blocks.size() == 1);
  CHECK_FALSE(scan_results(to_lines(empty)).blocks.at(0).failed);
}

TEST_CASE("whatever is torn at the end is left out, wherever the tear is") {
  const std::string first = to_lines(some_result(4)), second = to_lines(some_result(0));
  const std::string all = first + second;
  for (std::size_t size = 0; size <= all.size(); ++size) {
    const ScannedResults found = scan_results(std::string_view(all).substr(0, size));
    const Photos expected = size == all.size() ? Photos{4, 0} : size >= first.size() ? Photos{4} : Photos{};
    REQUIRE(photos_of(found.blocks) == expected);
    CHECK(found.bytes == (size == all.size() ? size : size >= first.size() ? first.size() : 0));
  }
}

TEST_CASE("damage ends what can be used") {
  const std::string one = to_lines(some_result(1)), two = to_lines(some_result(2));
  const std::string zeros(100, '\0');
  CHECK(photos_of(scan_results(one + zeros + "\n" + two).blocks) == Photos{1});
  const std::size_t line = two.find('\n') + 1;
  CHECK(photos_of(scan_results(one + two.substr(line) + two).blocks) == Photos{1, 2, 2});
  CHECK(photos_of(scan_results(one + two.substr(0, line) + one).blocks) == Photos{1});
  for (const char* text :
       {"[]\n", "{}\n", "{\"photo\":-1,\"path\":\"a\",\"more\":0}\n",
        "{\"photo\":1.5,\"path\":\"a\",\"more\":0}\n", "{\"photo\":1,\"path\":1,\"more\":0}\n"}) {
    CAPTURE(text);
    CHECK(scan_results(text).blocks.empty());
  }
}

TEST_CASE("lines of another shape are refused, not misread") {
  for (const char* text :
       {"{\"photo\":1,\"path\":\"a\",\"metric\":\"x\",\"more\":0}\n",
        "{\"photo\":1,\"path\":\"a\",\"metric\":1,\"method\":2,\"value\":\"x\",\"more\":0}\n"}) {
    CHECK(message_of([&] { parse_lines(text); }).find("results.jsonl") == 0);
  }
}

TEST_CASE("photos are put in order, the newest of several") {
  const std::vector<ResultBlock> blocks{
      {5, 0, 10, false}, {1, 10, 10, true}, {3, 20, 5, false}, {1, 25, 9, false}};
  const auto ordered = in_photo_order(blocks);
  CHECK(photos_of(ordered) == Photos{1, 3, 5});
  CHECK(ordered[0].begin == 25);
}
