#include "base/text.hpp"

#include <doctest/doctest.h>

using namespace ablaze::base;
using Words = std::vector<std::string>;

TEST_CASE("nearest finds typing errors, nearest first") {
  const Words layers{"conv1", "layer1", "layer2", "layer3", "layer4", "layer4.1.conv2", "fc"};
  CHECK(nearest("layre4", layers).front() == "layer4");
  CHECK(nearest("layer5", layers).front() == "layer4");
  CHECK(nearest("Layer4", layers).front() == "layer4");
  CHECK(nearest("layer4.1.conv3", layers) == Words{"layer4.1.conv2"});
  CHECK(nearest("layer", layers, 2).size() == 2);
  CHECK(nearest("dropout", layers).empty());
  CHECK(nearest("", layers).empty());
  CHECK(nearest("x", Words{}).empty());
}

TEST_CASE("nearest finds labels by a part of them") {
  const Words labels{"golf ball", "golden retriever", "parachute"};
  CHECK(nearest("golf", labels) == Words{"golf ball"});
  CHECK(nearest("retriever", labels) == Words{"golden retriever"});
  CHECK(nearest("parashute", labels) == Words{"parachute"});
}

TEST_CASE("nearest bears words without end") {
  const std::string word(1'000'000, 'x');
  CHECK(nearest(word, Words{word, "layer4"}).size() == 1);
}

TEST_CASE("did_you_mean is a clause for an error, or nothing") {
  CHECK(did_you_mean("layer44", Words{"layer4", "fc"}) == " (did you mean layer4?)");
  CHECK(did_you_mean("zzz", Words{"layer4", "fc"}).empty());
}

TEST_CASE("join reads as a sentence does") {
  CHECK(join(Words{}).empty());
  CHECK(join(Words{"a"}) == "a");
  CHECK(join(Words{"a", "b"}) == "a and b");
  CHECK(join(Words{"a", "b", "c"}, " or ") == "a, b or c");
}

TEST_CASE("slug makes a part of a file name") {
  CHECK(slug("Golf ball") == "golf-ball");
  CHECK(slug("tench, Tinca tinca") == "tench-tinca-tinca");
  CHECK(slug("--a//..b--") == "a-b");
  CHECK(slug("../../etc/passwd") == "etc-passwd");
  CHECK(slug("!?").empty());
  CHECK(slug("caf\u00e9") == "caf\u00e9");
  CHECK(slug(std::string(1000, 'a')).size() <= 100);
  CHECK(slug(std::string(99, 'a') + "\u00e9").size() == 99);
}

TEST_CASE("printable leaves nothing that moves a cursor") {
  CHECK(printable("plain text") == "plain text");
  CHECK(printable("a\x1b[2Jb\n\tc\x7f") == "a?[2Jb??c?");
  CHECK(printable(std::string_view("a\0b", 3)) == "a?b");
  CHECK(printable("caf\u00e9") == "caf\u00e9");
  CHECK(printable("\u009b"
                  "31m") == "?31m");
  CHECK(printable("\xff\xc3") == "??");
  CHECK(printable("gpj\u202e.exe") == "gpj?.exe");
  CHECK(printable("\u2066a\u2069 \u200fb\u2014\u2065") == "?a? ?b\u2014\u2065");
  CHECK(printable("abcdef", 3) == "abc...");
  CHECK(printable("abc", 3) == "abc");
}

TEST_CASE("fixed rounds, and a zero has no sign") {
  CHECK(fixed(-1.25, 1) == "-1.2");
  CHECK(fixed(0.0049, 2) == "0.00");
  CHECK(fixed(-0.0049, 2) == "0.00");
  CHECK(fixed(-0.4, 0) == "0");
  CHECK(fixed(-0.005001, 2) == "-0.01");
  CHECK(fixed(1e308, 4).size() == 309 + 5);
}
