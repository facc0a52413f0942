#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <ablaze/tensor.hpp>

namespace ablaze::formats {

/// Reads a NumPy .npy file (versions 1 to 3; little-endian f4, f8 and f2; C order) as float. Throws Error.
/// Allocates no more than the file's size justifies.
Tensor read_npy(const std::filesystem::path& file);
Tensor parse_npy(std::span<const std::byte> bytes, const std::string& name);
/// Whether the bytes start with the .npy magic.
bool looks_like_npy(std::span<const std::byte> bytes);

/// Writes atomically, float32, C order.
void write_npy(const std::filesystem::path& file, const Tensor& tensor);

}  // namespace ablaze::formats
