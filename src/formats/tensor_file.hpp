#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ablaze/tensor.hpp>

namespace ablaze::formats {

/// The content of a weight file of any format: named tensors and text metadata.
struct TensorFile {
  std::map<std::string, Weight> tensors;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> notes{};  ///< the reader's decisions, in words for the user
};

/// Opens a weight file of any supported format, detected by content (not by extension). Throws Error naming
/// the file, what was expected and what was found.
TensorFile read_tensor_file(const std::filesystem::path& file);
/// The same for bytes in memory; `name` is for error messages.
TensorFile parse_tensor_file(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                             const std::string& name);

}  // namespace ablaze::formats
