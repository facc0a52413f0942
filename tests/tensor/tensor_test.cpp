#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <numeric>
#include <span>
#include <utility>

#include <doctest/doctest.h>

#include <ablaze/error.hpp>
#include <ablaze/tensor.hpp>

#include "tensor/memory.hpp"

namespace ablaze {
namespace {

bool begins_at(const void* address, std::uintptr_t multiple) {
  return reinterpret_cast<std::uintptr_t>(address) % multiple == 0;
}

Tensor counted(Shape shape) {
  Tensor tensor(std::move(shape));
  std::iota(tensor.values().begin(), tensor.values().end(), 0.0F);
  return tensor;
}

TEST_CASE("elements are counted, and what cannot be counted is refused") {
  CHECK(element_count({}) == 1);
  CHECK(element_count({2, 3, 5}) == 30);
  CHECK(element_count({7, 0, 9}) == 0);
  CHECK(element_count({std::int64_t{1} << 60}) == std::int64_t{1} << 60);
  CHECK_THROWS_AS(element_count({std::int64_t{1} << 60, 2}), Error);
  CHECK_THROWS_AS(element_count({std::int64_t{1} << 32, std::int64_t{1} << 32}), Error);
  CHECK_THROWS_AS(element_count({3, -1}), Error);
}

TEST_CASE("a shape as text") {
  CHECK(to_string(Shape{}) == "scalar");
  CHECK(to_string(Shape{1, 3, 224, 224}) == "1x3x224x224");
}

TEST_CASE("a tensor begins on a cache line, a large one on a huge page") {
  for (const std::int64_t count : {1, 17, 1000, 524'287}) {
    CAPTURE(count);
    CHECK(begins_at(Tensor({count}).data(), 64));
  }
  for (const std::int64_t count : {524'288, 524'289, 1'500'000}) {
    CAPTURE(count);
    const Tensor large = counted({count});
    CHECK(begins_at(large.data(), std::uintptr_t{2} << 20));
    CHECK(large[count - 1] == static_cast<float>(count - 1));
  }
  CHECK(Tensor({4, 0}).data() == nullptr);
  CHECK(allocate_numbers(0) == nullptr);
}

TEST_CASE("a new tensor is zero; one of values has them") {
  const Tensor zeros({2, 3});
  for (const float value : zeros.values()) CHECK(value == 0);
  const std::array<float, 4> numbers{1, 2, 3, 4};
  const Tensor tensor({2, 2}, numbers);
  CHECK(tensor[3] == 4);
  CHECK(tensor.dim(1) == 2);
  CHECK_THROWS_AS(Tensor({5}, numbers), Error);
}

TEST_CASE("more memory than there are addresses is refused as what it is") {
  CHECK_THROWS_AS(Tensor({std::int64_t{1} << 60}), std::bad_alloc);
  CHECK_THROWS_AS(allocate_numbers(~std::uint64_t{0}), std::bad_alloc);
}

TEST_CASE("copies are apart, and what was moved from is empty") {
  Tensor first = counted({3, 4});
  const Tensor copy = first;
  first[5] = -1;
  CHECK(copy[5] == 5);
  const Tensor moved = std::move(first);
  CHECK(moved[5] == -1);
  CHECK(first.size() == 0);  // NOLINT: that is what is tested
  CHECK(first.shape() == Shape{0});
  CHECK(first.rank() == 1);
  CHECK(first.dim(0) == 0);
  Tensor assigned({1});
  assigned = moved;
  assigned = *&assigned;
  CHECK(assigned.shape() == Shape{3, 4});
  CHECK(assigned[11] == 11);
}

TEST_CASE("another shape of the same numbers") {
  const Tensor tensor = counted({2, 6}).reshaped({3, 4});
  CHECK(tensor.shape() == Shape{3, 4});
  CHECK(tensor[7] == 7);
  CHECK_THROWS_AS(tensor.reshaped({5}), Error);
}

TEST_CASE("a weight is widened from where it is read") {
  const std::array<std::uint16_t, 3> halves{0x3C00, 0xC000, 0x3555};
  const Weight weight(DType::f16, {3}, std::as_bytes(std::span(halves)), std::make_shared<int>());
  CHECK(weight.to_tensor()[1] == -2);
  std::array<float, 2> out{};
  weight.read(1, out);
  CHECK(out[1] == doctest::Approx(1.0 / 3).epsilon(1e-3));
  const std::array<std::uint16_t, 1> brain{0x4049};
  CHECK(Weight(DType::bf16, {1}, std::as_bytes(std::span(brain)), std::make_shared<int>()).to_tensor()[0] ==
        3.140625F);
  CHECK_FALSE(Weight());
  CHECK(Weight(counted({4})).to_tensor()[2] == 2);
}

}  // namespace
}  // namespace ablaze
