#pragma once

#include <filesystem>
#include <memory>

#include <ablaze/model.hpp>

#include "base/files.hpp"
#include "models/config.hpp"

namespace ablaze::models {

/// The model of an ONNX file, with notes on what the file leaves open: the size of the input, and the range
/// of its numbers. Throws Error.
Model open_onnx(const std::shared_ptr<const base::MappedFile>& mapped, const std::filesystem::path& file,
                OnRefusal on_refusal);

}  // namespace ablaze::models
