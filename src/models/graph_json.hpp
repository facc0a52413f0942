#pragma once

#include <string>

#include <ablaze/graph.hpp>

#include "models/assembler.hpp"

namespace ablaze::models {

/// A network as text, for model files whose tensors' names do not tell it (those that came from ONNX): nodes
/// with their operators, attributes and inputs, and further names. Weights are not in it; they are the
/// tensors NODE.weight, NODE.bias, NODE.running_mean and NODE.running_var.
std::string graph_to_json(const Graph& graph);

/// The network that such a text describes, with its weights. `file` is for the errors. Throws Error.
Graph graph_from_json(const std::string& text, const TensorMap& tensors, const std::string& file);

}  // namespace ablaze::models
