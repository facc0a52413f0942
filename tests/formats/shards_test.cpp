#include "formats/shards.hpp"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "builders.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;

namespace {

void write(const std::filesystem::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary) << content;
}

std::string one_tensor(const std::string& name, float value) {
  return safetensors("{\"" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                     floats({value}));
}

TensorFile read(const std::filesystem::path& file) {
  return parse_sharded(base::MappedFile::open(file), file);
}

std::string refused(const std::filesystem::path& file) {
  return message_of([&] { read(file); });
}

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kFirst = "model-00001-of-00002.safetensors";
constexpr const char* kSecond = "model-00002-of-00002.safetensors";

}  // namespace

TEST_CASE("shards: a model in several files is read through its index, or through one of them beside it") {
  const TemporaryDirectory folder;
  write(folder / kFirst, one_tensor("a", 1));
  write(folder / kSecond, one_tensor("b", 2));
  const std::string missing = refused(folder / kFirst);
  CHECK(says(missing, "expected their index 'model.safetensors.index.json' in its folder"));
  write(folder / kIndex, std::string(R"({"metadata":{"total_size":8},"weight_map":{"a":")") + kFirst +
                             R"(","b":")" + kSecond + "\"}}");
  for (const char* name : {kIndex, kFirst, kSecond}) {
    const TensorFile file = read(folder / name);
    REQUIRE(file.tensors.size() == 2);
    CHECK(values(file.tensors.at("b")) == std::vector<float>{2});
    CHECK(file.notes.back() == "read 2 files that 'model.safetensors.index.json' names");
  }
  std::filesystem::remove(folder / kSecond);
  CHECK(says(refused(folder / kIndex), kSecond));
  write(folder / kSecond, one_tensor("c", 2));
  CHECK(says(refused(folder / kIndex), "'b' in 'model-00002-of-00002.safetensors', which does not hold it"));
  // One of one is whole.
  write(folder / "model-00001-of-00001.safetensors", one_tensor("a", 1));
  CHECK(refused(folder / "model-00001-of-00001.safetensors").empty());
}

TEST_CASE("shards: an index opens files of its own folder only") {
  const TemporaryDirectory folder;
  for (const char* shard : {"../other.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "a\\\\b"}) {
    write(folder / kIndex, std::string(R"({"weight_map":{"a":")") + shard + "\"}}");
    CHECK(says(refused(folder / kIndex), "expected the name of a file in the same folder"));
  }
  for (const char* text : {"", "{", "[]", "{}", R"({"weight_map":[]})", R"({"weight_map":{}})"}) {
    write(folder / kIndex, text);
    CHECK_FALSE(refused(folder / kIndex).empty());
  }
  write(folder / kIndex, R"({"weight_map":{"a":5}})");
  CHECK(says(refused(folder / kIndex), "gives no file for 'a'"));
}
