#pragma once

#include <string>

#include <ablaze/model.hpp>

#include "models/settings.hpp"

namespace ablaze::models {

/// Reads labels, preprocessing and activation from the files of timm and Hugging Face in a weight file's
/// folder: `config.json`, and `preprocessor_config.json` if it exists. model.notes reports what was used,
/// what does not fit the network, and each field of the preprocessing that is not honoured. A damaged file is
/// a note: the user asked for the weights. Throws RefusedSetting for a field that ablaze cannot follow and
/// that changes the answer (photos that are not resized, oblong crops), unless on_refusal makes a note of
/// it.
void apply_config(Model& model, OnRefusal on_refusal = OnRefusal::fail);

/// The same from the two files' text; empty where a file is missing.
void apply_config(Model& model, const std::string& config, const std::string& preprocessor_config,
                  OnRefusal on_refusal = OnRefusal::fail);

}  // namespace ablaze::models
