#pragma once

#include <string>
#include <vector>

#include <ablaze/model.hpp>

#include "support/tensors.hpp"

namespace ablaze::testing {

/// A model small enough to compute by hand, for photos of 4x4 pixels (mean 0, std 1): pool (2x2 maximum) ->
/// relu -> global average -> linear. Class c < 3 is the mean of channel c; class 3 is minus the mean of
/// channel 0. Further labels get classes without weights.
Model paper_model(std::vector<std::string> labels = {"red", "green", "blue", "not red"});

}  // namespace ablaze::testing
