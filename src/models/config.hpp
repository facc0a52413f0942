#pragma once

#include <string>

#include <ablaze/model.hpp>

namespace ablaze::models {

/// Reads labels and preprocessing from the files of timm and Hugging Face in a weight file's folder:
/// `config.json`, and `preprocessor_config.json` if it exists. model.notes reports what was used and what
/// does not fit the network. Never throws for their content: the user asked for the weights.
void apply_config(Model& model);

/// The same from the two files' text; empty where a file is missing.
void apply_config(Model& model, const std::string& config, const std::string& preprocessor_config);

}  // namespace ablaze::models
