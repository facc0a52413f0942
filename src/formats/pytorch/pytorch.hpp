#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "formats/tensor_file.hpp"

namespace ablaze::formats {

/// Reads a PyTorch state dict: the zip form (PyTorch 1.6 and later) and the legacy form before it. The pickle
/// is interpreted by a restricted reader: it knows the few opcodes and the handful of globals that a
/// checkpoint needs, and executes nothing; any other global is an Error that names it. Nested dictionaries
/// (state_dict, model, ...) are entered. TorchScript archives and whole pickled modules are refused with what
/// to save instead.
TensorFile read_pytorch(const std::filesystem::path& file);
/// Whether the bytes begin as one of the two forms does.
bool looks_like_pytorch(std::span<const std::byte> bytes);
TensorFile parse_pytorch(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                         const std::string& name);

}  // namespace ablaze::formats
