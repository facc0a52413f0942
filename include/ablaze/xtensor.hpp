#pragma once

// Opt-in: xtensor's views of ablaze's tensors. The only public header that includes xtensor.

#include <array>
#include <cstddef>
#include <string>

#include <xtensor/xadapt.hpp>
#include <xtensor/xnoalias.hpp>

#include <ablaze/error.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze {

namespace detail {

template <class Shape, class Pointer>
auto adapt_buffer(Pointer data, const Tensor& tensor, Shape shape) {
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    shape[axis] = static_cast<std::size_t>(tensor.dim(axis));
  }
  return xt::adapt(data, static_cast<std::size_t>(tensor.size()), xt::no_ownership(), shape);
}

template <std::size_t Rank, class Pointer>
auto adapt_ranked(Pointer data, const Tensor& tensor) {
  if (tensor.shape().size() != Rank) {
    throw Error("a tensor of shape " + to_string(tensor.shape()) + " viewed as rank " + std::to_string(Rank));
  }
  return adapt_buffer(data, tensor, std::array<std::size_t, Rank>{});
}

}  // namespace detail

/// The tensor's own numbers as an xtensor expression: never a copy, valid as long as the tensor is
/// neither destroyed nor assigned to. Assign with xt::noalias(view) = expression: a plain assignment
/// evaluates into a temporary first.
inline auto as_xtensor(Tensor& tensor) {
  return detail::adapt_buffer(tensor.data(), tensor, xt::dynamic_shape<std::size_t>(tensor.shape().size()));
}
inline auto as_xtensor(const Tensor& tensor) {
  return detail::adapt_buffer(tensor.data(), tensor, xt::dynamic_shape<std::size_t>(tensor.shape().size()));
}
void as_xtensor(const Tensor&&) = delete;  ///< a view would outlive the temporary

/// The same with the rank known to the compiler, which makes broadcasting and indexing cheaper.
/// Throws Error where the tensor's rank is another.
template <std::size_t Rank>
auto as_xtensor(Tensor& tensor) {
  return detail::adapt_ranked<Rank>(tensor.data(), tensor);
}
template <std::size_t Rank>
auto as_xtensor(const Tensor& tensor) {
  return detail::adapt_ranked<Rank>(tensor.data(), tensor);
}
template <std::size_t Rank>
void as_xtensor(const Tensor&&) = delete;

/// Evaluates an xtensor expression of any number type into a new tensor.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression) {
  const E& e = expression.derived_cast();
  Tensor tensor(Shape(e.shape().begin(), e.shape().end()));
  auto view = as_xtensor(tensor);
  xt::noalias(view) = xt::cast<float>(e);
  return tensor;
}

}  // namespace ablaze
