#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "formats/tensor_file.hpp"

namespace ablaze::formats {

/// Reads a PyTorch state dict, or the weights of a whole pickled module: the zip form (PyTorch 1.6 and later)
/// and the earlier legacy form. The reader of the pickle executes nothing. Searches nested dictionaries
/// (state_dict, model, ...). Refuses TorchScript archives, with advice on what to save instead.
TensorFile read_pytorch(const std::filesystem::path& file);
/// Whether the bytes look like one of the two forms.
bool looks_like_pytorch(std::span<const std::byte> bytes);
TensorFile parse_pytorch(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                         const std::string& name, const std::string& under = {});

}  // namespace ablaze::formats
