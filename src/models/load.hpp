#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ablaze/model.hpp>

#include "formats/tensor_file.hpp"
#include "models/families.hpp"
#include "models/settings.hpp"

namespace ablaze::models {

/// A network and its family; no family where the file describes the network itself.
struct Identified {
  const Family* family;
  Network network;
  std::vector<std::string> notes;  ///< how the tensors' names were interpreted, in words
};

/// Identifies the network of named tensors. `file` is for error messages. Throws Error.
Identified identify(const formats::TensorFile& content, const std::string& file);

/// The default target layer: the last activation with a spatial extent before the head's pools.
std::string default_target(const Graph& graph, const Shape& input);

/// A network described by an ONNX file or by metadata, with arbitrary layer names. `input` is needed where no
/// target layer is given.
Network described_network(Graph graph, const Shape& input, std::string target);

/// Opens any file supported by load_model. A given architecture must be the one found (empty: any). Throws
/// Error, also for a configuration file that cannot be followed (see apply_config).
Model open_model(const std::filesystem::path& file, const std::string& architecture,
                 const LoadOptions& options, OnRefusal on_refusal = OnRefusal::fail);

/// The model: the network with its metadata, else its family's defaults. Throws Error.
Model make_model(const formats::TensorFile& content, Identified found, const std::filesystem::path& source,
                 OnRefusal on_refusal = OnRefusal::fail);

}  // namespace ablaze::models
