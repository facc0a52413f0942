#include "formats/npy.hpp"

#include <doctest/doctest.h>

#include "base/files.hpp"
#include "builders.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"

using namespace ablaze;
using namespace ablaze::formats;
using namespace ablaze::testing;

namespace {

std::string npy(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\x01\x00", 8) + raw(static_cast<std::uint16_t>(header.size())) + header + data;
}
std::string header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }   \n";
}
Tensor parse(const std::string& file) { return parse_npy(to_bytes(file), "input"); }
std::string refused_npy(const std::string& file) {
  return message_of([&] { parse(file); });
}

}  // namespace

TEST_CASE("npy: what is written is read again, for every rank") {
  const TemporaryDirectory folder;
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 3}, Shape{1, 3, 2, 2}, Shape{0, 4}}) {
    Tensor tensor(shape);
    for (std::int64_t i = 0; i < tensor.size(); ++i) tensor[i] = static_cast<float>(i) - 0.5F;
    write_npy(folder / "a.npy", tensor);
    const Tensor again = read_npy(folder / "a.npy");
    CHECK(again.shape() == shape);
    CHECK(numbers(again) == numbers(tensor));
    // NumPy requires the data at a multiple of 64 bytes.
    const auto bytes = base::read_file(folder / "a.npy", 10'000);
    CHECK((bytes.size() - static_cast<std::size_t>(tensor.size()) * 4) % 64 == 0);
    CHECK(looks_like_npy(bytes));
  }
}

TEST_CASE("npy: float64 and float16 are read, and every version of the header") {
  CHECK(numbers(parse(npy(header("<f8", "(2,)"), raw(0.1) + raw(-2.0)))) == std::vector<float>{0.1F, -2});
  CHECK(numbers(parse(npy(header("<f2", "(2,)"), std::string("\x00\x3c\x01\x00", 4)))) ==
        std::vector<float>{1, 0x1p-24F});
  for (const char version : {'\2', '\3'}) {
    const std::string text = header("<f4", "(1, 2)");
    const std::string file =
        "\x93NUMPY" + std::string{version, '\0'} + raw(static_cast<std::uint32_t>(text.size())) + text;
    CHECK(parse(file + floats({1, 2})).shape() == Shape{1, 2});
  }
  CHECK(parse(npy("{'shape':(2,),\"fortran_order\":True,'descr':'<f4'}", floats({1, 2}))).shape() ==
        Shape{2});
}

TEST_CASE("npy: other arrays are refused with what to do") {
  CHECK(says(refused_npy(npy(header("<i8", "(1,)"), raw(std::int64_t{1}))), "'<i8'"));
  CHECK(says(refused_npy(npy(header(">f4", "(1,)"), floats({1}))), "astype('<f4')"));
  CHECK(says(refused_npy(npy(header("|O", "(1,)"), "cos\nsystem\n")), "'|O'"));
  CHECK(says(refused_npy(npy(header("<f4", "(1, 2)", "True"), floats({1, 2}))), "ascontiguousarray"));
  CHECK(says(refused_npy(npy(header("<f4", "(3,)"), floats({1, 2}))), "takes 12 bytes, found 8"));
  CHECK(says(refused_npy(npy(header("<f4", "(1,)"), floats({1, 2}))), "takes 4 bytes, found 8"));
  CHECK(says(refused_npy(npy(header("<f4", "(4294967296, 4294967296, 4)"), "")), "too many bytes"));
  CHECK(says(refused_npy(npy(header("<f4", "(1e9,)"), "")), "header is not as NumPy writes it"));
  CHECK(says(refused_npy(npy(header("<f4", "(-1,)"), "")), "header is not as NumPy writes it"));
  CHECK(says(refused_npy(npy(header("<f4", "(99999999999999999999,)"), "")),
             "header is not as NumPy writes it"));
  CHECK(says(refused_npy(npy("{'descr': __import__('os')}", "")), "header is not as NumPy writes it"));
  CHECK(says(refused_npy(npy("{'descr': '<f4', 'descr': '<f4'}", "")), "header is not as NumPy writes it"));
  CHECK(says(refused_npy(npy("{}", "")), "header is not as NumPy writes it"));
  CHECK(says(refused_npy(std::string("\x93NUMPY\x04\x00", 8)), "version is 4"));
  CHECK(says(refused_npy("a text"), "not a .npy file"));
  CHECK(says(refused_npy(""), "not a .npy file"));
}

TEST_CASE("npy: a file cut short is refused wherever it is cut") {
  const std::string whole = npy(header("<f4", "(2,)"), floats({1, 2}));
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(refused_npy(whole.substr(0, size)).empty());
}
