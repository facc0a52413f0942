#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json_fwd.hpp"

namespace ablaze::base {

/// Parses text. Returns a discarded value (is_discarded) where the text is not JSON or nests deeper than
/// `deepest`: values are written and destroyed recursively.
template <class Value = Json>
Value parse_json(std::string_view text, int deepest = 32) {
  bool deep = false;
  const auto shallow = [&](int depth, typename Value::parse_event_t, Value&) {
    deep |= depth > deepest;
    return depth <= deepest;
  };
  Value value = Value::parse(text, shallow, /*allow_exceptions=*/false);
  return deep ? Value(nlohmann::detail::value_t::discarded) : value;
}

/// The implementations of the two members.
namespace json {

template <class Part>
void destroy(Part* part) noexcept {
  std::destroy_at(part);
  std::allocator<Part>().deallocate(part, 1);
}

/// Fills a null value with the elements of a list, or with members where every element is a pair of a name
/// and a value.
template <class Value>
void fill(Value& value, typename Value::initializer_list_t elements, bool deduce,
          nlohmann::detail::value_t wanted) {
  bool pairs = deduce || wanted == nlohmann::detail::value_t::object;
  for (const auto& element : elements)
    pairs = pairs && element->is_array() && element->size() == 2 && (*element)[0].is_string();
  if (!pairs) {
    if (!deduce && wanted == nlohmann::detail::value_t::object)
      throw nlohmann::detail::type_error::create(301, "an object is made of pairs", nullptr);
    value = typename Value::array_t(elements.begin(), elements.end());
    return;
  }
  typename Value::object_t members;
  for (const auto& element : elements) {
    Value pair = element.moved_or_copied();
    members.emplace(std::move(pair[0].template get_ref<std::string&>()), std::move(pair[1]));
  }
  value = std::move(members);
}

}  // namespace json
}  // namespace ablaze::base

// The library keeps a list of the values still to destroy; a failed allocation of it would end the program.
template <>
inline void ablaze::base::Json::json_value::destroy(nlohmann::detail::value_t type) {
  if (type == nlohmann::detail::value_t::object) ablaze::base::json::destroy(object);
  if (type == nlohmann::detail::value_t::array) ablaze::base::json::destroy(array);
  if (type == nlohmann::detail::value_t::string) ablaze::base::json::destroy(string);
}
template <>
inline void ablaze::base::SortedJson::json_value::destroy(nlohmann::detail::value_t type) {
  if (type == nlohmann::detail::value_t::object) ablaze::base::json::destroy(object);
  if (type == nlohmann::detail::value_t::array) ablaze::base::json::destroy(array);
  if (type == nlohmann::detail::value_t::string) ablaze::base::json::destroy(string);
}

// The library leaks an object when the allocation of a member fails. After the delegation the destructor
// runs.
template <>
inline ablaze::base::Json::basic_json(initializer_list_t elements, bool deduce,
                                      nlohmann::detail::value_t wanted)
    : basic_json(nullptr) {
  ablaze::base::json::fill(*this, elements, deduce, wanted);
}
template <>
inline ablaze::base::SortedJson::basic_json(initializer_list_t elements, bool deduce,
                                            nlohmann::detail::value_t wanted)
    : basic_json(nullptr) {
  ablaze::base::json::fill(*this, elements, deduce, wanted);
}
