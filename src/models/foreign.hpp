#pragma once

#include <string>

#include "models/assembler.hpp"

namespace ablaze::models {

/// What a network of no supported family (names.hpp, is_known_network) is, by its tensors' names, with the
/// way to use it: "a vision transformer: ..."; empty where it is not known either.
std::string describe_foreign(const TensorMap& tensors);

}  // namespace ablaze::models
