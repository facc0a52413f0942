#pragma once

#include <string>
#include <string_view>

#include <ablaze/error.hpp>

namespace ablaze::testing {

/// The message of the Error that a call throws; empty if it throws none.
template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline bool says(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace ablaze::testing
