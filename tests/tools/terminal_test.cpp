#include "cli/shell/terminal.hpp"

#include <cmath>
#include <string>

#include <doctest/doctest.h>

using namespace ablaze::cli;

TEST_CASE("numbers are shortened to three digits and a unit") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(999) == "999");
  CHECK(short_number(1000) == "1.00 k");
  CHECK(short_number(59012345) == "59.0 M");
  CHECK(short_number(999700) == "1.00 M");
  CHECK(short_number(8.7e9) == "8.70 G");
}

TEST_CASE("large numbers are grouped") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1234567) == "1,234,567");
}

TEST_CASE("times read as a clock's") {
  CHECK(clock_time(7.2) == "0:07");
  CHECK(clock_time(59.7) == "1:00");
  CHECK(clock_time(3723) == "1:02:03");
  CHECK(clock_time(-1) == "0:00");
}

TEST_CASE("a bar is as long as its fraction, whatever it is given") {
  const Style plain;
  CHECK(bar(plain, 0.5, 10) == "#####");
  CHECK(bar(plain, 7, 10) == "##########");
  CHECK(bar(plain, -1, 10).empty());
  CHECK(bar(plain, std::nan(""), 10).empty());
  const Style unicode{false, true, 80};
  CHECK(columns(bar(unicode, 0.5, 10)) == 5);
  CHECK(columns(bar(unicode, 0.55, 10)) == 6);
}

TEST_CASE("nothing is coloured but for a terminal") {
  CHECK(bold({}, "x") == "x");
  CHECK(bold({true, true, 80}, "x") == "\x1b[1mx\x1b[0m");
}

TEST_CASE("a table is as wide as its cells, code points counted") {
  Table table({{"name"}, {"n", Table::Align::right}});
  table.add({"é", "1"});
  table.add({"longer", "22"});
  table.rule();
  table.add({"sum", "23"});
  CHECK(table.text({}) ==
        "  name     n\n"
        "  é        1\n"
        "  longer  22\n"
        "  ----------\n"
        "  sum     23\n");
}
