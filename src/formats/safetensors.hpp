#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "formats/tensor_file.hpp"

namespace ablaze::formats {

/// Reads a safetensors file by mapping it: the weights are views of its pages. The format's own rules are
/// enforced: header at most 100 MB, a flat JSON object, offsets inside the file, in order, no holes, no
/// overlaps, byte counts that match the shapes. f32, f16 and bf16 are kept as they are; integer tensors
/// (num_batches_tracked) are skipped; f64 is narrowed to f32.
TensorFile read_safetensors(const std::filesystem::path& file);
/// The same over bytes in memory (tests, fuzzing); `name` is for the errors.
TensorFile parse_safetensors(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                             const std::string& name);

/// How tensors lie in a file that is written: each is made so when its turn comes, and dropped after it, so
/// that there is never a second copy of all.
struct Storing {
  std::function<DType(const Weight&)> dtype;
  std::function<Weight(const std::string& name, const Weight&)> stored;  ///< of that dtype
};
/// As they are.
Storing as_they_are();

/// Writes atomically. The data begins at a multiple of 64 bytes (the header is padded with spaces); wide
/// numbers come first, then names decide, so that every tensor is aligned to its elements and the same
/// content gives the same bytes.
void write_safetensors(const std::filesystem::path& file, const TensorFile& content,
                       const Storing& storing = as_they_are());

}  // namespace ablaze::formats
