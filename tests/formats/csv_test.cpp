#include "formats/csv.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/message_of.hpp"

using namespace ablaze;
using ablaze::testing::message_of;
using Fields = std::vector<std::string>;

TEST_CASE("rows of a CSV file with quotes, line ends of both kinds and empty lines") {
  const auto rows = formats::read_csv(
      "\xEF\xBB\xBFpath,label\r\na.jpg,\"tench, Tinca\"\n\n\"b \"\"2\"\"\nc.jpg\",\nlast,x", "a.csv");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].fields == Fields{"path", "label"});
  CHECK(rows[1].fields == Fields{"a.jpg", "tench, Tinca"});
  CHECK(rows[2].fields == Fields{"b \"2\"\nc.jpg", ""});
  CHECK(rows[2].line == 4);
  CHECK(rows[3].fields == Fields{"last", "x"});
  CHECK(rows[3].line == 6);
  CHECK(formats::read_csv("", "a.csv").empty());
}

TEST_CASE("quotes without end, and within a field, are refused with their line") {
  for (const char* text : {"a\n\"b", "a\nb\"c\"", "a\n\"b\"c", "a\nb\rc"}) {
    CAPTURE(text);
    CHECK(message_of([&] { formats::read_csv(text, "a.csv"); }).find("a.csv, line 2: ") == 0);
  }
}

TEST_CASE("a field is quoted where it needs it, and reads back") {
  CHECK(formats::csv_field("plain") == "plain");
  for (const std::string text : {"a,b", "a \"b\"", "a\nb"}) {
    CHECK(formats::read_csv(formats::csv_field(text) + ",end", "a.csv").at(0).fields.at(0) == text);
  }
}
