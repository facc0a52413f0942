#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/files.hpp"
#include "formats/tensor_file.hpp"

namespace ablaze::formats {

/// The tensors of a weight file, or of all files of a model in several shards: of its index
/// ("model.safetensors.index.json"), or of one shard ("model-00001-of-00003.safetensors") beside the index.
/// All shards must lie in the index's folder. Throws Error, naming the index where it is missing.
TensorFile parse_sharded(const std::shared_ptr<const base::MappedFile>& mapped,
                         const std::filesystem::path& file, const std::string& under = {});

}  // namespace ablaze::formats
