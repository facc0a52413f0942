#include "formats/pytorch/pickle.hpp"

#include <doctest/doctest.h>

#include "builders.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;
using namespace ablaze::testing::pickled;

namespace {

std::string refused_pickle(const std::string& pickle) {
  const std::vector<std::byte> bytes = to_bytes(pickle);
  return message_of([&] { parse_pickle(bytes, "model"); });
}

PickleValue::Kind kind_of(const std::string& pickle) {
  const std::vector<std::byte> bytes = to_bytes(pickle);
  const Pickle parsed = parse_pickle(bytes, "model");
  return parsed[parsed.root].kind;
}

/// The type of the pickled object.
std::string type_of(const std::string& pickle) {
  const std::vector<std::byte> bytes = to_bytes(pickle);
  const Pickle parsed = parse_pickle(bytes, "model");
  REQUIRE(parsed[parsed.root].kind == PickleValue::Kind::opaque);
  return type_name(parsed, parsed[parsed.root]);
}

std::int64_t integer_of(const std::string& pickle) {
  const std::vector<std::byte> bytes = to_bytes(pickle);
  const Pickle parsed = parse_pickle(bytes, "model");
  REQUIRE(parsed[parsed.root].kind == PickleValue::Kind::integer);
  return parsed[parsed.root].integer;
}

}  // namespace

TEST_CASE("pickle: numbers") {
  CHECK(integer_of("\x80\x02K\xff.") == 255);
  CHECK(integer_of(std::string("\x80\x02M\x00\x01.", 6)) == 256);
  CHECK(integer_of("\x80\x02J\xff\xff\xff\xff.") == -1);
  CHECK(integer_of(std::string("\x80\x02\x8a\x00.", 5)) == 0);
  CHECK(integer_of("\x80\x02\x8a\x01\xff.") == -1);
  CHECK(integer_of(std::string("\x80\x02\x8a\x02\xff\x00.", 7)) == 255);
  CHECK(integer_of(whole(integer(-5'000'000'000))) == -5'000'000'000);
  CHECK(integer_of("I255\n.") == 255);
  CHECK(integer_of("L-5L\n.") == -5);
  CHECK(says(refused_pickle("I1x\n."), "a number that is none"));
  // Larger ones are no sizes: seeds, states of random numbers.
  for (const std::string& large : std::vector<std::string>{"\x80\x02\x8a\x09"
                                                           "123456789.",
                                                           "L123456789012345678901234567890L\n."})
    CHECK(kind_of(large) == PickleValue::Kind::real);
}

TEST_CASE("pickle: an object of an unknown type is its type's name and data") {
  const std::string call = text("rm -rf /") + "\x85R";
  const std::string stack_global = text("os") + text("system") + "\x93";
  for (const std::string& pickle : std::vector<std::string>{
           whole(global("os", "system") + call), whole(stack_global + call),
           std::string("cos\nsystem\n(S'rm -rf /'\ntR."),  // protocol 0
           std::string("(S'rm -rf /'\nios\nsystem\n."), std::string("(ios\nsystem\n."),
           whole("(" + global("os", "system") + text("a") + "o"), whole(global("os", "system") + ")}\x92"),
           whole(global("os", "system") + ")\x81}b"), whole(global("os", "system") + ")R)R")})
    CHECK(type_of(pickle) == "os.system");
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"builtins", "eval"},
                                                        {"collections", "Counter"},
                                                        {"torch.storage", "_load_from_bytes"},
                                                        {"collections", "OrderedDict.update"},
                                                        {"collections.OrderedDict", ""},
                                                        {"numpy.core.multiarray", "fromfile"}})
    CHECK(type_of(whole(global(module, name) + ")R")) == module + "." + name);
  const std::string endless(100'000, 'x');
  CHECK(type_of(whole(global(endless, endless) + ")R")).size() <= 200);
  // The type of an object that a call of an object gives is the first one's.
  CHECK(type_of(whole(global("builtins", "getattr") + ")R)R")) == "builtins.getattr");
  CHECK(type_of(whole("(" + text("other") + "K\x01tQ")) == "unknown");
  CHECK(type_of("Pa name\n.") == "unknown");
}

TEST_CASE("pickle: objects beside the weights are data") {
  const std::string options = global("argparse", "Namespace");
  for (const std::string& pickle : std::vector<std::string>{
           options + ")R", options + ")\x81}b", options + ")\x81" + dict({{"lr", "K\x01"}}) + "b",
           options + ")R(K\x01K\x02e", options + ")R(" + text("a") + "K\x02u",
           global("numpy", "dtype") + text("f8") + "\x85R(K\x01Ntb", "(K\x01\x91", "\x8f(K\x01\x90",
           global("collections", "defaultdict") + global("__builtin__", "list") + "\x85R",
           global("builtins", "set") + "]\x85R", "(K\x01l", "(" + text("a") + "K\x01" + "d",
           std::string("\x96\x01\0\0\0\0\0\0\0a", 10), std::string("K\x01p5\ng5\n0"),
           "K\x01K\x02"
           "0"})
    CHECK(refused_pickle(whole(pickle)).empty());
}

TEST_CASE("pickle: Python 2 passes an ordered dictionary's items to its type") {
  const std::string pair = "](" + text("a") + "K\x05" + "e";
  const auto bytes = to_bytes(whole(global("collections", "OrderedDict") + "]" + pair + "a\x85R"));
  const Pickle parsed = parse_pickle(bytes, "model");
  REQUIRE(parsed[parsed.root].kind == PickleValue::Kind::dict);
  REQUIRE(parsed[parsed.root].items.size() == 2);
  CHECK(parsed[parsed[parsed.root].items[1]].integer == 5);
}

TEST_CASE("pickle: a known type called with other arguments than torch.save's gives no tensor") {
  const std::string ordered = global("collections", "OrderedDict");
  CHECK(kind_of(whole(ordered + ")R")) == PickleValue::Kind::dict);
  for (const std::string& pickle : std::vector<std::string>{
           ordered + "K\x01\x85R",
           ordered + "]K\x01" + "a\x85R",
           global("torch._utils", "_rebuild_tensor_v2") + ")R",
           global("torch._utils", "_rebuild_parameter") + "K\x01\x85R",
           global("torch._tensor", "_rebuild_from_type_v2") + ")R",
           global("torch", "FloatStorage") + ")R",
           global("torch", "Size") + ")R",
           std::string("(K\x01K\x01K\x01K\x01K\x01tQ"),
           storage("FloatStorage", "0", -1),
       }) {
    CAPTURE(pickle);
    CHECK(kind_of(whole(pickle)) == PickleValue::Kind::opaque);
  }
  for (const std::string& pickle : std::vector<std::string>{ordered + "]R", "})R", "K\x01)R"})
    CHECK(says(refused_pickle(whole(pickle)), "not a state dict's"));
}

TEST_CASE("pickle: a stack, a memo or marks that do not fit are refused") {
  for (const std::string& pickle : std::vector<std::string>{std::string("."),
                                                            std::string("t."),
                                                            std::string("u."),
                                                            std::string("\x85."),
                                                            std::string("a."),
                                                            std::string("}K\x01s."),
                                                            std::string("}(K\x01u."),
                                                            std::string("K\x01(."),
                                                            std::string("h\x05."),
                                                            std::string("q\x00.", 3),
                                                            std::string("]q\x01h\x02."),
                                                            std::string("]r\xff\xff\xff\xff."),
                                                            std::string("j\xff\xff\xff\xff."),
                                                            std::string("](K\x01"
                                                                        "u."),
                                                            std::string("}(K\x01"
                                                                        "e."),
                                                            std::string("K\x01K\x01"
                                                                        "a."),
                                                            std::string("\x93."),
                                                            std::string("K\x01K\x01\x93."),
                                                            std::string("R."),
                                                            std::string("b."),
                                                            std::string("Q."),
                                                            std::string("\x94.")}) {
    CAPTURE(pickle);
    CHECK(says(refused_pickle("\x80\x02" + pickle), "not a state dict's"));
  }
  CHECK(says(refused_pickle("\x80\x06]."), "protocol 6"));
  CHECK(says(refused_pickle("\x80\x02\x83."), "opcode 131"));
  CHECK(says(refused_pickle("\x80\x02X\xff\xff\xff\xff"
                            "a."),
             "ends too early"));
  CHECK(says(refused_pickle("\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                            "a."),
             "ends too early"));
  CHECK(says(refused_pickle("\x80\x02"
                            "cos"),
             "ends too early"));
  CHECK(says(refused_pickle(""), "ends too early"));
}

TEST_CASE("pickle: depth, repetition and circles cost nothing") {
  const std::size_t depth = 500'000;
  CHECK(refused_pickle("\x80\x02" + std::string(depth, ']') + std::string(depth - 1, 'a') + ".").empty());
  CHECK(refused_pickle("\x80\x02N" + std::string(depth, '\x85') + ".").empty());
  CHECK(refused_pickle("\x80\x02]q\x01h\x01"
                       "a.")
            .empty());  // a list that contains itself
  CHECK(says(refused_pickle("\x80\x02" + std::string(2'000'000, 'N') + "."), "too many values on the stack"));
  CHECK(says(refused_pickle("\x80\x02" + std::string(2'000'000, '(') + "."), "too many marks"));
  std::string many = "\x80\x02]";
  for (int i = 0; i < 2'100'000; ++i) many += "]a";
  CHECK(says(refused_pickle(many + "."), "more than 1000000 values"));
  CHECK(says(refused_pickle(std::string((64U << 20) + 1, ' ')), "at most"));
}
