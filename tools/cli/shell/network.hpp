#pragma once

#include <filesystem>
#include <string>

#include <ablaze/model.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

#include "cli/shell/command.hpp"
#include "cli/shell/inputs.hpp"

namespace ablaze::cli {

/// Opens --model's file, or the shipped one where that is empty. Throws Error.
Model open_model(const std::string& file);

/// What the common options say about a session.
SessionOptions session_options(const Common& common);

/// The picture as the model's network takes it, [1, 3, H, W]. Throws Error.
Tensor network_input(const Picture& picture, const Model& model);

}  // namespace ablaze::cli
