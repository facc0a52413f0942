#include "models/class_names.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>

#include "support/message_of.hpp"

using namespace ablaze;
using namespace ablaze::testing;
using namespace std::string_view_literals;

namespace {

using Strings = std::vector<std::string>;

models::ClassNames names_in(std::string_view text) {
  return models::parse_class_names(std::as_bytes(std::span(text)), "labels.txt");
}
Strings labels_in(std::string_view text) { return names_in(text).labels; }
std::string refusal(std::string_view text) {
  return message_of([&] { models::require_order(names_in(text)); });
}

const Strings abc{"a", "b", "c"};
const Strings fish{"tench, Tinca tinca", "goldfish", "great white shark"};
const Strings fish_ids{"n01440764", "n01443537", "n01484850"};

std::string utf16(std::string_view ascii, bool big_endian) {
  std::string out = big_endian ? "\xFE\xFF" : "\xFF\xFE";
  for (const char c : ascii) out += big_endian ? std::string{'\0', c} : std::string{c, '\0'};
  return out;
}

/// A model of three classes.
Model three(const Strings& labels) {
  Model model;
  model.source = "model.safetensors";
  model.labels = labels;
  model.graph.add("input", op::Input{{4}}, {});
  model.graph.add("fc", op::Linear{Tensor({3, 4}), {}}, {0});
  return model;
}

}  // namespace

TEST_CASE("labels: one per line, with any line ends") {
  for (const std::string_view text :
       {"a\nb\nc"sv, "a\nb\nc\n\n\n"sv, "a\r\nb\r\nc\r\n"sv, "a\rb\rc\r"sv, "\n a \n\tb\nc  \n"sv})
    CHECK(labels_in(text) == abc);
  CHECK(names_in("a\n\nb\nc\n").labels == abc);
  CHECK(names_in("a\n\nb\nc\n").notes.size() == 1);
  CHECK(labels_in("0\n1\n2\n") == Strings{"0", "1", "2"});
  CHECK(labels_in("7 up\n3 series\n1990 Ford\n") == Strings{"7 up", "3 series", "1990 Ford"});
  CHECK(labels_in("0 - zero\n1 - one\n") == Strings{"0 - zero", "1 - one"});
  CHECK(labels_in("class 0\nclass 1\n") == Strings{"class 0", "class 1"});
  CHECK(labels_in("\"a\",\n\"b\",\n'c'\n") == abc);
  CHECK(labels_in("label\na\nb\nc\n") == abc);
}

TEST_CASE("labels: byte order marks and UTF-16") {
  for (const std::string& text : {std::string("a\r\nb\r\nc"), std::string(R"(["a","b","c"])"),
                                  std::string("{0: 'a', 1: 'b', 2: 'c'}")}) {
    CHECK(labels_in("\xEF\xBB\xBF" + text) == abc);
    CHECK(labels_in(utf16(text, false)) == abc);
    CHECK(labels_in(utf16(text, true)) == abc);
  }
  CHECK(labels_in("\xFF\xFE\xE9\x00\x3D\xD8\x1F\xDC"sv) ==
        Strings{"\xC3\xA9\xF0\x9F\x90\x9F"});  // a pair of halves
  CHECK(says(refusal("\xFF\xFE\x3D\xD8"sv), "damaged UTF-16"));
  CHECK(says(refusal("\xFF\xFE"
                     "a"sv),
             "damaged UTF-16"));
  CHECK(says(refusal("\xFF\xFE\0\0a\0\0\0"sv), "UTF-32"));
  CHECK(says(refusal("a\0b\0\n\0"sv), "zero byte"));
  CHECK(says(refusal("a\ncaf\xE9\n"), "label 1, \"caf?\", is not UTF-8"));
}

TEST_CASE("labels: JSON") {
  CHECK(labels_in(R"([["n01440764","tench","Tinca tinca"],["n01443537","goldfish"]])") ==
        Strings{"tench, Tinca tinca", "goldfish"});
  CHECK(labels_in(R"([{"id":1,"name":"b"},{"id":0,"name":"a"}])") == Strings{"a", "b"});
  // Ten and more: members sorted by text would give another order.
  std::string object = "{";
  Strings many;
  for (int i = 11; i >= 0; --i)
    object += "\"" + std::to_string(i) + "\": \"l" + std::to_string(i) + (i > 0 ? "\"," : "\"}");
  for (int i = 0; i < 12; ++i) many.push_back("l" + std::to_string(i));
  CHECK(labels_in(object) == many);
  const auto keras = names_in(R"({"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]})");
  CHECK(keras.labels == Strings{"tench", "goldfish"});
  CHECK(keras.synsets == Strings{"n01440764", "n01443537"});
  CHECK(labels_in(R"({"c": 2, "a": 0, "b": 1})") == abc);
  CHECK(labels_in(R"({"c": "2", "a": "0", "b": "1"})") == abc);
  CHECK(labels_in(R"({"1": "a", "3": "c", "2": "b"})") == abc);
  CHECK(names_in(R"({"n01443537": 1, "n01440764": 0})").synsets == Strings{"n01440764", "n01443537"});
  CHECK(labels_in(R"({"model_type": "resnet", "id2label": {"1": "b", "0": "a", "2": "c"}})") == abc);
  CHECK(labels_in(R"({"names": ["a", "b", "c"], "nc": 3})") == abc);
  CHECK(
      labels_in(
          R"({"0": {"id": "01440764-n", "label": "tench"}, "1": {"id": "01443537-n", "label": "goldfish"}})") ==
      Strings{"tench", "goldfish"});
}

TEST_CASE("labels: indices and ids among the names") {
  const auto names =
      names_in(R"({"n01443537": ["1", "goldfish"], "n01440764": [0, "tench", "Tinca tinca"]})");
  CHECK(names.labels == Strings{"tench, Tinca tinca", "goldfish"});
  CHECK(names.synsets == Strings{"n01440764", "n01443537"});
  CHECK(names.unordered.empty());
  const auto reversed = names_in(R"({"goldfish": "n01443537", "tench": "n01440764"})");
  CHECK(reversed.synsets == Strings{"n01443537", "n01440764"});
  CHECK(says(refusal(R"({"goldfish": "n01443537", "tench": "n01440764"})"), "without the classes' indices"));
}

TEST_CASE("labels: JSON that is none is refused") {
  CHECK(says(refusal("[]"), "found no labels"));
  CHECK(says(refusal("{}"), "found no labels"));
  CHECK(says(refusal(R"(["a", 7])"), "expected text as label 1, found 7"));
  CHECK(says(refusal(R"(["a", ""])"), "label 1 is empty"));
  CHECK(says(refusal(R"({"0": "a", "2": "c"})"), "found no class 1"));
  CHECK(says(refusal(R"({"a": 0, "b": 0})"), "stands there twice"));
  CHECK(says(refusal(R"({"5": "a", "6": "b"})"), "found no class 0"));
  CHECK(says(refusal(R"({"cat": "feline"})"), "{\"tench\": 0}"));
  CHECK(says(refusal(R"({"a": 18446744073709551615, "b": 1})"), "found no class"));
  CHECK(says(refusal(std::string(100'000, '[')), "labels.txt"));
  CHECK(says(refusal(std::string(100'000, '{')), "labels.txt"));
}

TEST_CASE("labels: the text of Python's lists and dictionaries") {
  CHECK(labels_in("{0: 'tench, Tinca tinca',\n 1: \"goldfish\", # a comment\n 2: 'great white ' 'shark',}") ==
        fish);
  CHECK(labels_in("names = ['a', u'b', r'c']\n") == abc);
  CHECK(labels_in("('a', 'b', 'c',)") == abc);
  CHECK(labels_in("CLASSES = OrderedDict([(2, 'c'), (0, 'a'), (1, 'b')])") == abc);
  CHECK(labels_in("{'c': 2, 'a': 0, 'b': 1}") == abc);
  CHECK(labels_in(R"(['it\'s', "caf\u00e9", 'a\\b'])") == Strings{"it's", "caf\xC3\xA9", "a\\b"});
  CHECK(names_in("{0: {'id': '01440764-n', 'label': 'tench'}}").synsets == Strings{"n01440764"});
  CHECK(says(refusal("{'a', 'b'}"), "a set has no order"));
  CHECK(says(refusal("{0: open('x')}"), "found \"open("));
  CHECK(says(refusal("{0: 'a'"), "expected a comma or }"));
  CHECK(says(refusal("{0: 'a\n"), "expected a closing quote"));
  CHECK(says(refusal("{0: 'a', 0: 'b'}"), "stands there twice"));
  CHECK(says(refusal("{0: None}"), "expected text as label 0"));
  CHECK(says(refusal("{-1: 'a'}"), "found"));
  CHECK(says(refusal("x = " + std::string(100'000, '(')), "at most 16 nested values"));
}

TEST_CASE("labels: lines with indices and WordNet ids") {
  const auto is_fish = [](std::string_view text) {
    const auto names = names_in(text);
    CHECK(names.labels == fish);
    CHECK(names.synsets == fish_ids);
    CHECK(names.unordered.empty());
  };
  is_fish("n01440764 tench, Tinca tinca\nn01443537 goldfish\nn01484850 great white shark\n");
  is_fish("n01440764\ttench, Tinca tinca\r\nn01443537\tgoldfish\r\nn01484850\tgreat white shark\r\n");
  is_fish("2 n01484850 great white shark\n0 n01440764 tench, Tinca tinca\n1 n01443537 goldfish\n");
  is_fish(
      "wnid,index,label\nn01484850,2,great white shark\nn01440764,0,\"tench, Tinca "
      "tinca\"\nn01443537,1,goldfish\n");
  is_fish(
      R"({"n01440764": "tench, Tinca tinca", "n01443537": "goldfish", "n01484850": "great white shark"})");
  is_fish("n01440764 1 tench, Tinca tinca\nn01443537 2 goldfish\nn01484850 3 great white shark\n");
  for (const std::string_view text :
       {"0: a\n1: b\n2: c\n"sv, "2,c\n1,b\n0,a\n"sv, "1 a\n2 b\n3 c\n"sv, "a 0\nc 2\nb 1\n"sv,
        "b;1\na;0\nc;2"sv, "0: 'a'\n1: 'b'\n2: 'c'\n"sv, "0\ta\n1\tb\n2\tc\n"sv,
        "id;label\n1;b\n0;a\n2;c\n"sv, "label\tid\na\t0\nb\t1\nc\t2\n"sv})
    CHECK(labels_in(text) == abc);
  CHECK(names_in("n01440764\nn01443537\n").synsets == Strings{"n01440764", "n01443537"});
  CHECK(says(refusal("0: a\n2: b\n"), "found no class 1"));
  CHECK(says(refusal("id,label\n0,a\nx,b\n"), "expected the index of a class"));
  CHECK(says(refusal("id,label\n0\n"), "line 2: expected 2 fields"));
}

TEST_CASE("labels: an order that is not the classes' is refused as one") {
  // The development kit of ImageNet's challenge.
  CHECK(says(refusal("n02119789 1 kit_fox\nn02100735 2 English_setter\n"), "development kit"));
  CHECK(says(refusal(R"({"n01443537": "goldfish", "n01440764": "tench"})"), "an order of its own"));
}

TEST_CASE("labels: a first line that names columns only where its quotes are cut apart is refused") {
  for (const std::string_view text :
       {"index,\"class,label\n0\",a\n1,b,c\n", "wnid,id,\"synset,label\na,0,1,b\"\n0,1,2\n"}) {
    CAPTURE(text);
    CHECK(says(refusal(text), "line 1: expected the names of columns"));
  }
  CHECK(labels_in("\"index\",\"label\"\n1,b\n0,a\n2,\"c\"\n") == abc);
  CHECK(labels_in("  \nindex,label\n1,b\n \n0,a\n2,c\n") == abc);
}

TEST_CASE("labels: YAML's names") {
  CHECK(labels_in("path: ../x\nnc: 3\nnames: ['a', \"b\", c]\ntrain: images\n") == abc);
  CHECK(labels_in("names: {0: a, 2: c, 1: b}\n") == abc);
  CHECK(labels_in("names:\n  0: a\n  1: b  # a comment\n  2: 'c'\n\ndownload: x\n") == abc);
  CHECK(labels_in("names:\n- a\n- b\n- c\n") == abc);
  CHECK(labels_in("names: [\n  traffic light,\n  'it''s'\n]\n") == Strings{"traffic light", "it's"});
  CHECK(says(refusal("names:\n  a: b\n"), "below names:"));
  CHECK(says(refusal("names: [a\n"), "expected ]"));
}

TEST_CASE("labels: another number than the network's is told of the file of labels") {
  const auto counted = [](std::string_view text, std::int64_t classes) {
    return message_of([&] { models::check_class_names(names_in(text), classes, "model.pth"); });
  };
  CHECK(says(counted("a\nb\n", 4), "labels.txt: found 2 labels, but the network in model.pth has 4 classes"));
  CHECK(says(counted("background\na\n", 1), "may be none of them"));
  CHECK(says(counted("a\nb\n", 3), "a class for the background"));
  CHECK(counted("a\nb\n", 2).empty());
}

TEST_CASE("WordNet ids find their classes by name, or by order") {
  const auto taken = [](std::string_view text, const Strings& labels) {
    Model model = three(labels);
    models::take_synsets(names_in(text), model);
    return model.synsets;
  };
  const std::string all = "n01440764 tench, Tinca tinca\nn01443537 goldfish\nn01484850 great white shark\n";
  CHECK(taken(all, {}) == fish_ids);
  CHECK(taken(all, {"Tench", "Goldfish", "great_white_shark"}) == fish_ids);
  CHECK(taken(all, {"goldfish", "whale", "Tinca tinca"}) == Strings{"n01443537", "", "n01440764"});
  CHECK(taken("n01440764\nn01443537\nn01484850\n", {"x", "y", "z"}) == fish_ids);
  // Equal names are told apart by the order.
  CHECK(taken("n00000001 crane\nn00000002 crane\nn00000003 heron\n", {"crane", "crane", "heron"}) ==
        Strings{"n00000001", "n00000002", "n00000003"});
  CHECK(taken("n00000001 crane\nn00000002 crane\nn00000003 heron\n", {"heron", "crane", "stork"}) ==
        Strings{"n00000003", "", ""});
  const auto refused = [&](std::string_view text, const Strings& labels) {
    return message_of([&] { taken(text, labels); });
  };
  CHECK(says(refused("a\nb\nc\n", {}), "found no WordNet ids"));
  CHECK(says(refused(all, {"x", "y", "z"}), "none of its 3 names"));
  CHECK(says(refused("n01440764 tench\n", {}), "found 1 labels"));
}
