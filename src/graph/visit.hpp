#pragma once

#include <concepts>
#include <utility>
#include <variant>

#include <ablaze/graph.hpp>

namespace ablaze::graph {

/// For operators that share an answer: [](const one_of<op::Relu, op::Add> auto&) { ... }
template <class T, class... Operators>
concept one_of = (std::same_as<T, Operators> || ...);

/// Calls the one of `answers` that takes this operator. An operator without an answer is a compile error: use
/// this wherever every operator needs one, so that the compiler lists the places that a new operator has to
/// be added to.
template <class... Answers>
decltype(auto) visit(const Op& op, Answers&&... answers) {
  struct Overloaded : std::decay_t<Answers>... {
    using std::decay_t<Answers>::operator()...;
  };
  return std::visit(Overloaded{std::forward<Answers>(answers)...}, op);
}

}  // namespace ablaze::graph
