#pragma once

#include <filesystem>

#include <ablaze/model.hpp>

namespace ablaze::models {

/// The model with its weights rounded to a file's dtype: with DType::f16, tensors of two and more axes become
/// half (rounded to nearest even) and 1-D tensors f32. Throws Error where a number does not fit into a half,
/// UsageError for bf16, which is read but not written.
Model with_weights_as(const Model& model, DType dtype);

/// Writes a model as ablaze's model file: safetensors with torchvision's tensor names and the `ablaze.*`
/// metadata (version, architecture, labels, preprocess, activation, provenance, self-test), with the weights
/// of with_weights_as(). Atomic.
void save_model(const Model& model, const std::filesystem::path& file, DType dtype);

}  // namespace ablaze::models
