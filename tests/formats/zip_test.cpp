#include "formats/pytorch/zip.hpp"

#include <doctest/doctest.h>

#include "builders.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;

namespace {

const std::vector<ZipPart> parts{{"a/first", "one"}, {"a/second", "two!"}, {"a/empty", ""}};

std::string refusal_of_zip(const std::string& file) {
  const std::vector<std::byte> bytes = to_bytes(file);
  return message_of([&] { ZipArchive(bytes, "model"); });
}

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("zip: entries are views, with and without zip64, with and without a comment") {
  for (const bool zip64 : {false, true}) {
    for (const std::string& comment :
         {std::string(), std::string("PK\x05\x06 a comment that looks like a record")}) {
      const std::vector<std::byte> bytes = to_bytes(zip(parts, zip64, comment));
      const ZipArchive archive(bytes, "model");
      CHECK(archive.entries().size() == 3);
      CHECK(text(archive.read("a/first")) == "one");
      CHECK(text(archive.read("a/second")) == "two!");
      CHECK(archive.read("a/empty").empty());
      CHECK_FALSE(archive.contains("a/third"));
      CHECK(says(message_of([&] { (void)archive.read("a/third"); }), "no entry 'a/third'"));
    }
  }
}

TEST_CASE("zip: a file cut short is refused wherever it is cut") {
  for (const bool zip64 : {false, true}) {
    const std::string whole = zip(parts, zip64);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(refusal_of_zip(whole.substr(0, size)).empty());
    }
  }
}

TEST_CASE("zip: offsets and sizes outside the file are refused") {
  const std::string whole = zip(parts);
  const std::size_t directory = whole.find("PK\x01\x02");
  const auto patched = [&](std::size_t at, std::uint32_t value) {
    std::string file = whole;
    file.replace(at, 4, raw(value));
    return refusal_of_zip(file);
  };
  REQUIRE(refusal_of_zip(whole).empty());
  CHECK(says(patched(directory + 20, 1'000'000), "outside the file"));   // stored size
  CHECK(says(patched(directory + 42, 0xFFFFFFF0), "outside the file"));  // local header
  CHECK(says(patched(directory + 42, 1), "not where the directory says"));
  CHECK(says(patched(whole.size() - 6, 0xFFFFFFFF), "outside the file"));  // directory's offset
  CHECK(says(patched(whole.size() - 10, 0xFFFFFFFF), "outside the file"));
  CHECK(says(patched(whole.size() - 10, 10), "too small"));
  CHECK(says(patched(directory, 0), "wrong signature"));
}

TEST_CASE("zip: repeated, encrypted and compressed entries are refused") {
  CHECK(says(refusal_of_zip(zip({{"a", "1"}, {"a", "2"}})), "two entries called 'a'"));
  CHECK(says(refusal_of_zip(zip({{"a", "1", 0, 1}})), "encrypted"));
  const std::vector<std::byte> bytes = to_bytes(zip({{"a", "1", 8}}));
  CHECK(says(message_of([&] { (void)ZipArchive(bytes, "model").read("a"); }), "compressed (method 8)"));
}
