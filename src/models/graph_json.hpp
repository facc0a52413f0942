#pragma once

#include <string>

#include <ablaze/graph.hpp>

#include "models/assembler.hpp"

namespace ablaze::models {

/// A network as text, for model files whose tensors' names do not identify it (imported from ONNX): nodes
/// with their operators, attributes and inputs, and aliases. Weights are separate tensors: NODE.weight,
/// NODE.bias, NODE.running_mean and NODE.running_var.
std::string graph_to_json(const Graph& graph);

/// Builds the network from such a text and its weights. `file` is for error messages. Throws Error.
Graph graph_from_json(const std::string& text, const TensorMap& tensors, const std::string& file);

}  // namespace ablaze::models
