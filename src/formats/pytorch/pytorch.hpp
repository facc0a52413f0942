#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "formats/tensor_file.hpp"

namespace ablaze::formats {

/// Reads a PyTorch state dict: the zip form (PyTorch 1.6 and later) and the earlier legacy form. A restricted
/// reader interprets the pickle: it supports only the opcodes and globals of checkpoints and executes
/// nothing; throws Error naming any other global. Enters nested dictionaries (state_dict, model, ...).
/// Refuses TorchScript archives and pickled modules, with advice on what to save instead.
TensorFile read_pytorch(const std::filesystem::path& file);
/// Whether the bytes look like one of the two forms.
bool looks_like_pytorch(std::span<const std::byte> bytes);
TensorFile parse_pytorch(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                         const std::string& name);

}  // namespace ablaze::formats
