#pragma once

#include <filesystem>

#include <ablaze/explain.hpp>
#include <ablaze/pictures.hpp>

#include "cli/shell/inputs.hpp"

namespace ablaze::cli {

/// Writes the steps of an explanation to a folder: 1-input.png, 2-channels.png, ... and, once all are
/// written, steps.json. Throws Error.
void write_steps(const std::filesystem::path& folder, const std::filesystem::path& input,
                 const Picture& picture, const Steps& steps, const Explanation& explanation);

}  // namespace ablaze::cli
