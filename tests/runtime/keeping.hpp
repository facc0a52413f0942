#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ablaze/session.hpp>

namespace ablaze::testing {

/// Options for an input of this shape that keep the activations of these layers.
inline SessionOptions keeping(const Shape& input, std::vector<std::string> layers) {
  SessionOptions options;
  options.input = input;
  options.keep = std::move(layers);
  return options;
}

}  // namespace ablaze::testing
