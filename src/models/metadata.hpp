#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <ablaze/model.hpp>

namespace ablaze::models {

using Metadata = std::map<std::string, std::string>;

/// The architecture named in the metadata, safe to print; empty where none is named.
std::string declared_architecture(const Metadata& metadata);

/// Reads the `ablaze.*` keys into the model; missing keys leave its values unchanged. The model's graph
/// determines the number of labels and logits; model.source is for error messages. Ignores other programs'
/// keys. Throws Error naming the file, the key, what was expected and what was found.
void apply_metadata(const Metadata& metadata, Model& model);

/// The keys written by save_model.
Metadata metadata_of(const Model& model);

/// The interpolation of a file's preprocessing. Throws Error for an unknown name.
Interpolation interpolation_named(const std::string& name);

/// Throws Error (prefixed with `where`) unless the sizes are 1..4096, the means finite, the deviations finite
/// and positive.
void check_preprocess(const Preprocess& preprocess, const std::string& where);

/// Throws Error (prefixed with `where`) unless there is one label per class, none of them empty.
void check_labels(const std::vector<std::string>& labels, std::int64_t classes, const std::string& where);

}  // namespace ablaze::models
