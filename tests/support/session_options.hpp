#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ablaze/session.hpp>

namespace ablaze::testing {

inline SessionOptions options_for(const Shape& input, Isa isa, std::vector<std::string> keep = {}) {
  SessionOptions options;
  options.input = input;
  options.execution.isa = isa;
  options.keep = std::move(keep);
  return options;
}

}  // namespace ablaze::testing
