#pragma once

#include <filesystem>
#include <string>

#include <ablaze/model.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

#include "cli/shell/command.hpp"
#include "cli/shell/inputs.hpp"

namespace ablaze::cli {

/// Opens --model's file, or the shipped model where it is not given. Throws Error.
Model open_model(const ModelChoice& choice);

/// The session options set by the common options.
SessionOptions session_options(const Common& common);

/// The image as the network's input, [1, 3, H, W]. Throws Error.
Tensor network_input(const Picture& picture, const Model& model);

}  // namespace ablaze::cli
