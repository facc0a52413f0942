#pragma once

#include <filesystem>

#include <ablaze/model.hpp>

namespace ablaze::models {

/// Writes a model as ablaze's model file: safetensors with torchvision's tensor names and the `ablaze.*`
/// metadata (version, architecture, labels, preprocess, activation, provenance, self-test). With DType::f16
/// the tensors of two and more axes are halved (rounded to nearest even), 1-D tensors stay f32. Atomic.
void save_model(const Model& model, const std::filesystem::path& file, DType dtype);

}  // namespace ablaze::models
