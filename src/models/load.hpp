#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ablaze/model.hpp>

#include "formats/tensor_file.hpp"
#include "models/families.hpp"

namespace ablaze::models {

/// A network and the family that it was found to belong to; none where the file describes the network itself.
struct Identified {
  const Family* family;
  Network network;
  std::vector<std::string> notes;  ///< what was made of the tensors' names, in words
};

/// Finds the network in named tensors. `file` is for the errors. Throws Error.
Identified identify(const formats::TensorFile& content, const std::string& file);

/// What is explained where nobody said: the last activation with a spatial extent before the head's pools.
std::string default_target(const Graph& graph, const Shape& input);

/// Any file that load_model opens. A named architecture must be the one that is found (empty: any). Throws
/// Error.
Model open_model(const std::filesystem::path& file, const std::string& architecture);

/// The model: the network with what the metadata tell of it, else with its family's defaults. Throws Error.
Model make_model(const formats::TensorFile& content, Identified found, const std::filesystem::path& source);

}  // namespace ablaze::models
