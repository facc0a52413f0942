#pragma once

#include <ablaze/preprocess.hpp>

#include "models/settings.hpp"

namespace ablaze::models {

/// Reads the fields of a preprocessor_config.json as the image processor does that it names, with that
/// processor's defaults. Throws RefusedSetting for what cannot be followed.
void read_hugging_face(Settings& settings, Preprocess& preprocess);

}  // namespace ablaze::models
