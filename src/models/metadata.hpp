#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <ablaze/model.hpp>

namespace ablaze::models {

using Metadata = std::map<std::string, std::string>;

/// The architecture that the metadata name, safe to print; empty where they name none.
std::string declared_architecture(const Metadata& metadata);

/// Reads the `ablaze.*` keys into the model; what is not there leaves the model's own value. The model's
/// graph says how many labels and logits there must be; model.source is for the errors. Other programs' keys
/// are not looked at. Throws Error naming the file, the key, what was expected and what was found.
void apply_metadata(const Metadata& metadata, Model& model);

/// The keys that save_model writes.
Metadata metadata_of(const Model& model);

/// Throws Error (prefixed with `where`) unless the sizes are 1..4096, the means finite, the deviations finite
/// and positive, and the interpolation bilinear or bicubic.
void check_preprocess(const Preprocess& preprocess, const std::string& where);

/// Throws Error (prefixed with `where`) unless there is one label a class, none of them empty.
void check_labels(const std::vector<std::string>& labels, std::int64_t classes, const std::string& where);

}  // namespace ablaze::models
