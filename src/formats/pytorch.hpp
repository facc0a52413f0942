#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "formats/tensor_file.hpp"

namespace ablaze::formats {

/// Reads a PyTorch state dict in zip form (.pth, .pt of PyTorch 1.6 and later). The pickle is interpreted by
/// a restricted reader: it knows the few opcodes and the handful of globals that a state dict needs, and
/// executes nothing; any other global is an Error that names it. Nested dictionaries (state_dict, model, ...)
/// are entered.
TensorFile read_pytorch(const std::filesystem::path& file);
TensorFile parse_pytorch(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                         const std::string& name);

}  // namespace ablaze::formats
