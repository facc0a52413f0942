// ONNX files that require more than they contain. Each must end in a matching error, quickly and with little
// memory.

#include <filesystem>

#include <doctest/doctest.h>

#include "base/files.hpp"
#include "formats/import_text.hpp"
#include "formats/onnx/import.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;
using namespace ablaze::testing::onnx;

namespace {

std::string v(int i) { return "v" + std::to_string(i); }

}  // namespace

TEST_CASE("hostile onnx: operators whose inputs are left out") {
  for (const char* op : {"Gather", "Concat", "Slice", "Add", "Sub", "Mul", "Div", "Unsqueeze", "Squeeze",
                         "Reshape", "Cast", "Identity", "Floor", "Ceil", "ConstantOfShape"}) {
    CAPTURE(op);
    const std::string number = initializer(integers_tensor("k", {1}));
    CHECK(says(refused_nodes(node(op, {""}, {"y"})), "is missing"));
    CHECK(says(refused_nodes(number + node(op, {"", "k"}, {"y"})), "is missing"));
    CHECK_FALSE(refused_nodes(number + node(op, {"k"}, {"y"})).empty());
    CHECK_FALSE(refused_nodes(number + node(op, {"k", ""}, {"y"})).empty());
  }
}

TEST_CASE("hostile onnx: every operator, with nothing, with a hole, and with too many inputs") {
  for (const char* op : {"Conv",        "BatchNormalization",
                         "Relu",        "MaxPool",
                         "AveragePool", "GlobalAveragePool",
                         "ReduceMean",  "Gemm",
                         "MatMul",      "Flatten",
                         "Dropout",     "Clip",
                         "LeakyRelu",   "Softmax",
                         "Sigmoid",     "Sum",
                         "Transpose",   "Split",
                         "Pad",         "Shape",
                         "Size",        "Constant",
                         "LRN"}) {
    CAPTURE(op);
    CHECK_FALSE(refused_nodes(node(op, {}, {"y"})).empty());
    CHECK_FALSE(refused_nodes(node(op, {"", "x"}, {"y"})).empty());
    CHECK_FALSE(refused_nodes(node(op, {"y"}, {"y"})).empty());  // its input is its own output
    const std::vector<std::string> many(50, "x");
    CHECK_FALSE(refused_nodes(node(op, many, {"z"}) + node("Relu", {"no"}, {"y"})).empty());
  }
}

TEST_CASE("hostile onnx: nodes in a circle") {
  const std::string circle = node("Add", {"x", "b"}, {"a"}) + node("Relu", {"a"}, {"b"}) + pooled("b");
  CHECK(says(refused_nodes(circle), "which no earlier node computes"));
}

TEST_CASE("hostile onnx: elements of constants that have none") {
  const std::string numbers = initializer(integers_tensor("zero", {0})) +
                              initializer(integers_tensor("none", {})) +
                              initializer(integers_tensor("flat", {2, 0}));
  const std::string joined = node("Concat", {"a", "zero"}, {"b"}, attribute("axis", std::int64_t{0})) +
                             node("Reshape", {"x", "b"}, {"y"});
  CHECK(says(refused_nodes(numbers + node("Gather", {"none", "zero"}, {"a"}) + joined), "has no element 0"));
  const std::string empty = node("ConstantOfShape", {"flat"}, {"c"});
  CHECK_FALSE(refused_nodes(numbers + empty + node("Gather", {"c", "zero"}, {"a"}) + joined).empty());
  CHECK_FALSE(refused_nodes(numbers + empty +
                            node("Gather", {"c", "zero"}, {"a"}, attribute("axis", std::int64_t{1})) + joined)
                  .empty());
}

TEST_CASE("hostile onnx: an input without measure") {
  const std::int64_t huge = std::int64_t{1} << 62;
  for (const std::size_t axis : {0U, 1U, 2U, 3U}) {
    std::vector<std::int64_t> shape{1, 3, 4, 6};
    shape[axis] = huge;
    const std::string one = initializer(floats_tensor("one", {1}, {1}));
    CHECK(says(refused_nodes(one + node("Add", {"x", "one"}, {"a"}) + pooled("a"), shape), "out of range"));
    CHECK(
        says(refused_nodes(
                 node("Concat", {"x", "x"}, {"a"}, attribute("axis", std::int64_t{1})) + pooled("a"), shape),
             "out of range"));
  }
}

TEST_CASE("hostile onnx: a few numbers that are read again and again") {
  // Many nodes that each gather 64 KiB of numbers.
  std::string gathers = initializer(integers_tensor("all", std::vector<std::int64_t>(1 << 16, 0)));
  for (int i = 0; i < 2000; ++i) gathers += node("Gather", {"all", i == 0 ? "all" : v(i - 1)}, {v(i)});
  gathers += node("Reshape", {"x", v(1999)}, {"y"});
  CHECK(says(refused_nodes(gathers), "far more values than the file"));

  // One square matrix shared by many layers.
  std::string layers = initializer(floats_tensor("w", {256, 256}, std::vector<float>(1 << 16, 0))) +
                       node("GlobalAveragePool", {"x"}, {"p"}) + node("Flatten", {"p"}, {v(0)});
  for (int i = 0; i < 2000; ++i) layers += node("MatMul", {v(i), "w"}, {v(i + 1)});
  layers += node("Identity", {v(2000)}, {"y"});
  CHECK(says(refused_nodes(layers, {1, 256, 1, 1}), "far more values than the file"));

  // A Concat of many copies of a channel, each with a map of the whole.
  const std::string parts =
      node("Concat", std::vector<std::string>(1 << 16, "x"), {"a"}, attribute("axis", std::int64_t{1}));
  CHECK_FALSE(refused_nodes(parts + pooled("a"), {1, 1, 4, 6}).empty());

  // Many channels from a small file, and a constant per channel in every node.
  std::string scales = initializer(floats_tensor("two", {1}, {2}));
  for (int i = 0; i < 2000; ++i) scales += node("Mul", {i == 0 ? "x" : v(i), "two"}, {v(i + 1)});
  scales += pooled(v(2000));
  CHECK(says(refused_nodes(scales, {1, 1 << 16, 1, 1}), "far more values than the file"));

  // Transposes, concatenations and expansions of constants double the numbers at every node.
  for (const char* op : {"Add", "Concat", "Expand", "Transpose"}) {
    CAPTURE(op);
    std::string chain = initializer(floats_tensor("w", {1, 1024}, std::vector<float>(1 << 10, 1))) +
                        initializer(integers_tensor("big", {1 << 12, 1 << 10})) +
                        node("Expand", {"w", "big"}, {v(0)});
    for (int i = 0; i < 2000; ++i) {
      const bool two = std::string(op) == "Add" || std::string(op) == "Concat";
      chain += node(op,
                    {v(i), two                           ? v(i)
                           : std::string(op) == "Expand" ? "big"
                                                         : ""},
                    {v(i + 1)}, std::string(op) == "Concat" ? attribute("axis", std::int64_t{0}) : "");
    }
    chain += node("Mul", {"x", v(2000)}, {"m"}) + pooled("m");
    CHECK_FALSE(refused_nodes(chain).empty());
  }
}

TEST_CASE("hostile onnx: pads without measure") {
  const std::string weight = initializer(floats_tensor("w", {2, 3, 1, 1}, std::vector<float>(6, 0)));
  for (const std::int64_t far : {std::int64_t{1} << 13, std::int64_t{1} << 40, std::int64_t{-1}}) {
    const std::string uneven = attribute("pads", std::vector<std::int64_t>{0, 0, 0, far});
    CHECK(
        says(refused_nodes(weight + node("Conv", {"x", "w"}, {"c"}, uneven) + pooled("c")), "out of range"));
    CHECK(says(refused_nodes(node("Pad", {"x"}, {"c"},
                                  attribute("pads", std::vector<std::int64_t>{0, 0, 0, 0, 0, 0, 0, far})) +
                             pooled("c")),
               "out of range"));
  }
}

TEST_CASE("hostile onnx: thousands of nodes of one name") {
  std::string chain;
  constexpr int length = 19'000;
  for (int i = 0; i < length; ++i)
    chain += node("Relu", {i == 0 ? "x" : v(i)}, {v(i + 1)}, "", "/a/" + std::string(300, 'x') + "/Relu");
  CHECK(import_text(model(from_x_to_y(chain + pooled(v(length))))).graph.size() == length + 3);
  for (int i = 0; i < 1500; ++i) chain += node("Relu", {"x"}, {"w" + v(i)});
  CHECK(says(refused_nodes(chain), "more than 20000 nodes"));
}

TEST_CASE("hostile onnx: a name of thousands of scopes means a few containers") {
  std::string scopes;
  for (int i = 0; i < 1000; ++i) scopes += "/a.b";
  std::string chain = node("Relu", {"x"}, {"r"}, "", scopes + "/Relu");
  const Graph graph = import_text(model(from_x_to_y(chain + pooled("r")))).graph;
  CHECK(graph.aliases().size() < 32);
}

TEST_CASE("hostile onnx: more attributes than any operator has") {
  std::string attributes;
  for (int i = 0; i < 100; ++i) attributes += attribute("a" + std::to_string(i), std::int64_t{1});
  CHECK(says(refused_nodes(node("Relu", {"x"}, {"y"}, attributes)), "more than 64 attributes"));
}

TEST_CASE("hostile onnx: links that lead out of the folder are not followed") {
  namespace fs = std::filesystem;
  const TemporaryDirectory folder;
  fs::create_directories(folder / "model/below");
  fs::create_directories(folder / "cache");
  base::write_file(folder / "outside.bin", std::vector<std::byte>(12));
  base::write_file(folder / "model/inside.bin", std::vector<std::byte>(12));
  fs::create_symlink("../outside.bin", folder / "model/escape.bin");
  fs::create_symlink("..", folder / "model/up");
  fs::create_symlink("../inside.bin", folder / "model/below/link.bin");
  base::write_file(folder / "model/model.onnx", std::vector<std::byte>(4));
  const OnnxExternals files = externals_beside(folder / "model/model.onnx");
  CHECK(message_of([&] { (void)files("inside.bin"); }).empty());
  CHECK(message_of([&] { (void)files("below/link.bin"); }).empty());
  CHECK(says(message_of([&] { (void)files("escape.bin"); }), "only files in its own folder"));
  CHECK(says(message_of([&] { (void)files("up/outside.bin"); }), "only files in its own folder"));
  CHECK(says(message_of([&] { (void)files("below"); }), "regular file"));
  CHECK_FALSE(message_of([&] { (void)files("below/missing.bin"); }).empty());

  // Hugging Face's cache: both the model and its external data are links into one folder.
  fs::create_directories(folder / "snapshot");
  base::write_file(folder / "cache/one", std::vector<std::byte>(4));
  base::write_file(folder / "cache/two", std::vector<std::byte>(12));
  fs::create_symlink("../cache/one", folder / "snapshot/model.onnx");
  fs::create_symlink("../cache/two", folder / "snapshot/model.onnx_data");
  CHECK(
      message_of([&] { (void)externals_beside(folder / "snapshot/model.onnx")("model.onnx_data"); }).empty());
}

TEST_CASE("hostile onnx: many tensors of the same bytes of another file") {
  const OnnxExternals files = [](std::string_view) {
    const auto zeros = std::make_shared<std::vector<std::byte>>(4000);
    return OnnxExternal{std::span<const std::byte>(*zeros), zeros};
  };
  const auto parsed = [&](int tensors) {
    std::string graph;
    for (int i = 0; i < tensors; ++i)
      graph += initializer(number(1, 1000) + number(2, 1) + bytes(8, v(i)) +
                           bytes(13, bytes(1, "location") + bytes(2, "numbers")) + number(14, 1));
    const auto content = to_bytes(model(from_x_to_y(graph + pooled("x"))));
    return message_of([&] { (void)parse_onnx(content, nullptr, files, "model.onnx"); });
  };
  CHECK(parsed(4).empty());
  CHECK(says(parsed(5), "share the same bytes"));
}
