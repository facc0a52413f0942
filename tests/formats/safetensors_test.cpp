#include "formats/safetensors.hpp"

#include <cmath>
#include <filesystem>
#include <limits>

#include <doctest/doctest.h>

#include "base/files.hpp"
#include "builders.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;

namespace {

TensorFile parse(const std::string& file) {
  static std::vector<std::byte> bytes;  // the weights are views of it
  bytes = to_bytes(file);
  return parse_safetensors(bytes, nullptr, "model");
}

const std::string two_floats = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

}  // namespace

TEST_CASE("safetensors: every number type is widened exactly") {
  const std::string header = R"({"__metadata__":{"format":"pt","note":"caf\u00e9"},)"
                             R"("f32":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
                             R"("f16":{"dtype":"F16","shape":[6],"data_offsets":[8,20]},)"
                             R"("bf16":{"dtype":"BF16","shape":[3],"data_offsets":[20,26]},)"
                             R"("f64":{"dtype":"F64","shape":[],"data_offsets":[26,34]},)"
                             R"("steps":{"dtype":"I64","shape":[],"data_offsets":[34,42]},)"
                             R"("empty":{"dtype":"F32","shape":[0,5],"data_offsets":[42,42]}}   )";
  std::string data = floats({1.5F, -0.0F});
  // 1, the smallest and the largest subnormal, the largest number, minus infinity, a NaN
  for (const int half : {0x3C00, 0x0001, 0x03FF, 0x7BFF, 0xFC00, 0x7E01})
    data += raw(static_cast<std::uint16_t>(half));
  // 1, minus infinity, a subnormal
  for (const int half : {0x3F80, 0xFF80, 0x0001}) data += raw(static_cast<std::uint16_t>(half));
  data += raw(0.1) + raw(std::int64_t{7});
  const TensorFile file = parse(safetensors(header, data));

  CHECK(file.metadata.at("note") == "caf\u00e9");
  CHECK(file.tensors.size() == 5);
  CHECK(file.tensors.count("steps") == 0);
  CHECK(file.tensors.at("f32").shape() == Shape{1, 2});
  CHECK(std::signbit(values(file.tensors.at("f32"))[1]));
  const std::vector<float> f16 = values(file.tensors.at("f16"));
  CHECK(f16[0] == 1.0F);
  CHECK(f16[1] == 0x1p-24F);
  CHECK(f16[2] == 1023 * 0x1p-24F);
  CHECK(f16[3] == 65504.0F);
  CHECK(f16[4] == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(f16[5]));
  CHECK(file.tensors.at("bf16").dtype() == DType::bf16);
  CHECK(values(file.tensors.at("bf16")) ==
        std::vector<float>{1.0F, -std::numeric_limits<float>::infinity(), 0x1p-133F});
  CHECK(file.tensors.at("f64").dtype() == DType::f32);
  CHECK(values(file.tensors.at("f64")) == std::vector<float>{0.1F});
  CHECK(file.tensors.at("empty").size() == 0);
}

TEST_CASE("safetensors: what is written is read again, and lies aligned") {
  const TemporaryDirectory folder;
  static const std::uint16_t halves[3] = {0x3C00, 0x4000, 0xC000};
  TensorFile content;
  content.metadata = {{"ablaze.labels", "[\"golf ball\"]"}, {"quotes \" and \n", "\u00e9"}};
  content.tensors.emplace("a.half", Weight(DType::f16, {3}, std::as_bytes(std::span(halves)), nullptr));
  content.tensors.emplace("b", Weight(Tensor({2, 1}, std::vector<float>{3, 4})));
  content.tensors.emplace("scalar", Weight(Tensor(Shape{}, std::vector<float>{5})));
  content.tensors.emplace("empty", Weight(Tensor(Shape{0, 4})));
  write_safetensors(folder / "m.safetensors", content);

  const TensorFile again = read_safetensors(folder / "m.safetensors");
  CHECK(again.metadata == content.metadata);
  REQUIRE(again.tensors.size() == 4);
  // The mapping starts at a page, so that an address gives the position in the file.
  const auto place = [&](const std::string& name) {
    return reinterpret_cast<std::uintptr_t>(again.tensors.at(name).bytes().data());
  };
  for (const auto& tensor : content.tensors) {
    const std::string& name = tensor.first;
    const Weight& weight = tensor.second;
    CAPTURE(name);
    CHECK(again.tensors.at(name).dtype() == weight.dtype());
    CHECK(again.tensors.at(name).shape() == weight.shape());
    CHECK(values(again.tensors.at(name)) == values(weight));
    CHECK(place(name) % byte_size(weight.dtype()) == 0);
  }
  CHECK(place("b") % 64 == 0);

  write_safetensors(folder / "again.safetensors", again);
  const auto first = base::read_file(folder / "m.safetensors", 10'000);
  CHECK(first == base::read_file(folder / "again.safetensors", 10'000));
}

TEST_CASE("safetensors: nothing is a valid file, too") {
  CHECK(parse(safetensors("{}", "")).tensors.empty());
  const TemporaryDirectory folder;
  write_safetensors(folder / "m", {});
  CHECK(read_safetensors(folder / "m").tensors.empty());
}

TEST_CASE("safetensors: what cannot be written is refused, and leaves no file") {
  const TemporaryDirectory folder;
  TensorFile content;
  content.metadata["broken"] = "\xff";
  CHECK(says(message_of([&] { write_safetensors(folder / "m", content); }), "UTF-8"));
  content.metadata.clear();
  content.tensors.emplace("__metadata__", Weight(Tensor({1})));
  CHECK(says(message_of([&] { write_safetensors(folder / "m", content); }), "__metadata__"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("safetensors: a file cut short is refused wherever it is cut") {
  const std::string whole = safetensors(two_floats, floats({1, 2}));
  REQUIRE(refusal(whole).empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(says(refusal(whole.substr(0, size)), "'model': "));
  }
  CHECK(says(refusal(whole + "x"), "end at byte 8 of 9"));
}

TEST_CASE("safetensors: a header that claims 4 GB or more is refused before anything is allocated") {
  const std::string header = two_floats + floats({1, 2});
  CHECK(says(refusal(raw(std::uint64_t{0xFFFFFFFF}) + header), "claims 4294967295 bytes"));
  CHECK(says(refusal(raw(std::uint64_t{0xFFFFFFFFFFFFFFFF}) + header), "at most 100000000"));
  CHECK(says(refusal(raw(std::uint64_t{100'000'000}) + header), "ends too early"));
}

TEST_CASE("safetensors: offsets must lie inside, in order, without hole or overlap") {
  const auto entry = [](const std::string& name, const std::string& offsets) {
    return '"' + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[)" + offsets + "]}";
  };
  const auto two = [&](const std::string& a, const std::string& b, const std::string& data) {
    return refusal(safetensors("{" + entry("a", a) + "," + entry("b", b) + "}", data));
  };
  const std::string data = floats({1, 2});
  CHECK(two("0,4", "4,8", data).empty());
  CHECK(two("4,8", "0,4", data).empty());  // the header may have any order
  CHECK(says(two("0,4", "8,12", data), "outside"));
  CHECK(says(two("0,4", "4,18446744073709551615", data), "outside"));
  CHECK(says(two("4,0", "4,8", data), "outside"));
  CHECK(says(two("0,4", "0,4", data), "overlaps"));
  CHECK(says(two("0,4", "2,6", data), "overlaps"));
  CHECK(says(two("0,4", "8,12", data + floats({3})), "hole"));
  CHECK(says(two("4,8", "8,12", data + floats({3})), "hole"));
  CHECK(says(two("0,4", "4,8", data + floats({3})), "end at byte 8 of 12"));
}

TEST_CASE("safetensors: byte counts must match shapes") {
  const auto shaped = [](const std::string& shape, const std::string& dtype = "F32") {
    return refusal(
        safetensors(R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":[0,8]}})",
                    floats({1, 2})));
  };
  CHECK(shaped("[2]").empty());
  CHECK(shaped("[2,1,1]").empty());
  CHECK(says(shaped("[3]"), "takes 12 bytes"));
  CHECK(says(shaped("[2]", "F16"), "takes 4 bytes"));
  CHECK(says(shaped("[1]", "I32"), "takes 4 bytes"));
  CHECK(says(shaped("[4611686018427387904,4]"), "too many bytes"));
  CHECK(says(shaped("[4294967296,4294967296,4294967296]"), "too many bytes"));
  CHECK(says(shaped("[-2]"), "the number -2"));
  CHECK(says(shaped("[2.0]"), "'2.0'"));
  CHECK(says(shaped("[18446744073709551615]"), "18446744073709551615"));
  CHECK(says(shaped("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]"), "breaks the format's rules"));
  CHECK(says(shaped("[2]", "F8_E4M3"), "dtype 'F8_E4M3'"));
  CHECK(says(shaped("[2]", "float32"), "dtype 'float32'"));
}

TEST_CASE("safetensors: the header is a flat object of tensors, each key once") {
  const auto header = [](const std::string& text) { return refusal(safetensors(text, floats({1, 2}))); };
  const std::string fields = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  const std::string a = R"("a":{)" + fields + "}";
  CHECK(header("{" + a + "}").empty());
  for (const std::string& text : std::vector<std::string>{
           "{" + a + "," + a + "}",
           "{\"a\":{" + fields + ",\"dtype\":\"F32\"}}",
           "{\"a\":{" + fields + ",\"shape\":[2]}}",
           "{\"a\":{" + fields + ",\"data_offsets\":[0,8]}}",
           "{\"a\":{" + fields + ",\"extra\":1}}",
           "{\"a\":{" + fields + ",\"extra\":{}}}",
           std::string(R"({"a":{"dtype":"F32","shape":[2]}})"),
           std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})"),
           std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})"),
           std::string(R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})"),
           std::string(R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})"),
           std::string(R"({"a":{"dtype":null,"shape":[2],"data_offsets":[0,8]}})"),
           std::string(R"({"a":true})"),
           std::string(R"({"a":"b"})"),
           std::string(R"({"a":[1]})"),
           std::string(R"({"__metadata__":{"a":"b","a":"c"}})"),
           std::string(R"({"__metadata__":{},"__metadata__":{}})"),
           std::string(R"({"__metadata__":{"a":1}})"),
           std::string(R"({"__metadata__":{"a":{"b":"c"}}})"),
           std::string(R"({"__metadata__":{"a":["b"]}})"),
           std::string(R"({"__metadata__":"a"})"),
       }) {
    CAPTURE(text);
    CHECK(says(header(text), "breaks the format's rules"));
  }
  for (const std::string& text :
       std::vector<std::string>{"{" + a, "{" + a + "},", "{" + a + "} {}", std::string("{\"a\xff\":1}"),
                                std::string("{'a':1}"), std::string("{")}) {
    CAPTURE(text);
    CHECK(says(header(text), "no valid JSON"));
  }
  CHECK(says(refusal(safetensors(std::string(1'000'000, '{'), "")), "no valid JSON"));
  CHECK(says(refusal(safetensors("{\"a\":" + std::string(1'000'000, '['), "")), "breaks the format's rules"));
}
