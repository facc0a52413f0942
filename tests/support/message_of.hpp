#pragma once

#include <ablaze/error.hpp>
#include <string>

namespace ablaze::testing {

/// The message of the Error that a call throws; empty where it throws none.
template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace ablaze::testing
