#include "formats/xml.hpp"

#include <string>

#include <doctest/doctest.h>

#include "support/message_of.hpp"

using namespace ablaze;
using ablaze::testing::message_of;

namespace {

formats::XmlElement read_text(const std::string& text) { return formats::read_xml(text, "a.xml"); }

std::string refused_xml(const std::string& text) {
  return message_of([&] { read_text(text); });
}

}  // namespace

TEST_CASE("an annotation's elements, texts and characters are read") {
  const auto root = read_text(
      "\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- made by hand -->\n"
      "<annotation verified=\"yes\" by='a > b'>\n <object><name> a &amp; "
      "b&#33;&#x20AC;</name><empty/></object>\n"
      " <object><name><![CDATA[<tench>]]></name></object ><!-- end --> </annotation>\n");
  CHECK(root.name == "annotation");
  REQUIRE(root.children.size() == 2);
  CHECK(root.children[0].text_of("name") == "a & b!€");
  CHECK(root.children[0].child("empty") != nullptr);
  CHECK(root.children[0].text_of("missing").empty());
  CHECK(root.children[1].text_of("name") == "<tench>");
}

TEST_CASE("what is no XML, or may expand, is refused with its line") {
  CHECK(refused_xml("").find("it has no element") != std::string::npos);
  CHECK(refused_xml("<a>\n<b></a>").find("a.xml, line 2: ") == 0);
  CHECK(refused_xml("<a>\n<b></a>").find("<b> is closed by </a>") != std::string::npos);
  CHECK(refused_xml("<!DOCTYPE a [<!ENTITY b \"cc\">]><a>&b;</a>").find("document types") !=
        std::string::npos);
  for (const char* text :
       {"<", "<a", "<a>", "<a b>", "<a b=c/>", "<a b='c/>", "<a>&b;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>",
        "<a>&#99999999999;</a>", "<a/><b/>", "<a></a", "<!-- a", "<?a", "<a><![CDATA[</a>", "text", "<a>&"}) {
    CAPTURE(text);
    CHECK(refused_xml(text).find("a.xml, line 1: ") == 0);
  }
}

TEST_CASE("elements nest so deep and no deeper") {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "<a>";
    for (int i = 0; i < depth; ++i) text += "</a>";
    return text;
  };
  CHECK(refused_xml(nested(64)) == "");
  CHECK(refused_xml(nested(65)).find("deeper than 64") != std::string::npos);
  CHECK(refused_xml(nested(1'000'000)).find("deeper than 64") != std::string::npos);
}
