#pragma once

#include <string>

#include <ablaze/model.hpp>

namespace ablaze::models {

/// Takes labels and preprocessing from what timm and Hugging Face put beside a weight file: `config.json`,
/// and `preprocessor_config.json` where there is one. What is taken, and what was found but does not fit the
/// network, is told in model.notes. Never throws for their content: the weights are what was asked for.
void apply_config(Model& model);

/// The same from the two files' text; empty where there is none.
void apply_config(Model& model, const std::string& config, const std::string& preprocessor_config);

}  // namespace ablaze::models
