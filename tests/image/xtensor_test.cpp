#include <type_traits>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include <ablaze/error.hpp>
#include <ablaze/xtensor.hpp>

using namespace ablaze;

TEST_CASE("a view is the tensor's own memory") {
  Tensor tensor({2, 3});
  auto view = as_xtensor(tensor);
  CHECK(view.data() == tensor.data());
  CHECK(view.dimension() == 2);
  CHECK(view.shape(1) == 3);
  view(1, 2) = 7;
  CHECK(tensor[5] == 7);
  xt::noalias(view) = view + 1.0F;
  CHECK(tensor[5] == 8);
  CHECK(tensor[0] == 1);
  CHECK(view.data() == tensor.data());
}

TEST_CASE("a constant tensor's view cannot be written") {
  const Tensor tensor({4});
  const auto view = as_xtensor(tensor);
  static_assert(std::is_same_v<decltype(view.data()), const float*>);
  CHECK(view.data() == tensor.data());
  CHECK(xt::sum(view)() == 0);
}

TEST_CASE("a view of known rank checks the rank") {
  Tensor tensor({2, 3, 4});
  auto view = as_xtensor<3>(tensor);
  static_assert(std::tuple_size_v<std::decay_t<decltype(view.shape())>> == 3);
  CHECK(view.data() == tensor.data());
  CHECK_THROWS_AS(as_xtensor<2>(tensor), Error);
  const Tensor& constant = tensor;
  CHECK(as_xtensor<3>(constant).data() == tensor.data());
}

TEST_CASE("empty tensors and scalars can be viewed") {
  Tensor empty;
  CHECK(as_xtensor(empty).size() == 0);
  Tensor scalar(Shape{});
  scalar[0] = 3;
  CHECK(as_xtensor(scalar)() == 3);
}

TEST_CASE("an expression becomes a tensor") {
  const Tensor tensor = from_xtensor(xt::arange<double>(6).reshape({2, 3}) * 2);
  CHECK(tensor.shape() == Shape{2, 3});
  CHECK(tensor[5] == 10);
  const xt::xarray<int> counts{{1, 2}, {3, 4}, {5, 6}};
  const Tensor column = from_xtensor(xt::view(counts, xt::all(), 1));
  CHECK(column.shape() == Shape{3});
  CHECK(column[2] == 6);
}
