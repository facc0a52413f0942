#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "formats/tensor_file.hpp"

namespace ablaze::formats {

/// Maps a safetensors file; the weights are views of its pages. Enforces the format's rules: header at most
/// 100 MB, a flat JSON object, offsets inside the file, in order, no holes, no overlaps, byte counts that
/// match the shapes. Keeps f32, f16 and bf16; skips integer tensors (num_batches_tracked); narrows f64 to
/// f32.
TensorFile read_safetensors(const std::filesystem::path& file);
/// The same for bytes in memory (tests, fuzzing); `name` is for error messages.
TensorFile parse_safetensors(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                             const std::string& name);

/// Conversion of tensors for writing. Each is converted when it is written and dropped afterwards, so that no
/// second copy of all tensors exists.
struct Storing {
  std::function<DType(const Weight&)> dtype;
  std::function<Weight(const std::string& name, const Weight&)> stored;  ///< of that dtype
};
/// No conversion.
Storing as_they_are();

/// Writes atomically. The data starts at a multiple of 64 bytes (the header is padded with spaces). Tensors
/// are sorted by descending element size, then by name, so that every tensor is aligned to its elements and
/// the same content gives the same bytes.
void write_safetensors(const std::filesystem::path& file, const TensorFile& content,
                       const Storing& storing = as_they_are());

}  // namespace ablaze::formats
