#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ablaze/tensor.hpp>

namespace ablaze::formats {

/// What every weight file comes down to: named tensors and text beside them.
struct TensorFile {
  std::map<std::string, Weight> tensors;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> notes{};  ///< what the reader had to decide, in words for its user
};

/// Opens a weight file of any known kind, told by its content (not its ending).
/// Throws Error naming the file, what was expected and what was found.
TensorFile read_tensor_file(const std::filesystem::path& file);
/// The same over bytes in memory; `name` is for the errors.
TensorFile parse_tensor_file(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                             const std::string& name);

}  // namespace ablaze::formats
