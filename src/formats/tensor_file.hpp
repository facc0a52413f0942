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
  std::vector<std::string> notes{};    ///< the reader's decisions, in words for the user
  std::vector<std::string> choices{};  ///< paths of the dictionaries with tensors in the file
  std::vector<std::string> parts{};    ///< the shards' files
  std::string under{};                 ///< what remains of the wish `under`: the start of names
};

/// Whether these are a TensorFlow graph's bytes: a GraphDef starts with a node, a SavedModel with its version
/// and a MetaGraphDef; both name operators soon. Such a file can look like an old ONNX file.
bool looks_like_tensorflow(std::span<const std::byte> bytes);

/// Opens a weight file of any supported format, detected by content (not by extension). Throws Error naming
/// the file, what was expected and what was found.
TensorFile read_tensor_file(const std::filesystem::path& file);
/// The same for bytes in memory; `name` is for error messages. `under` chooses among the networks of a file
/// with several: see read_state_dict.
TensorFile parse_tensor_file(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                             const std::string& name, const std::string& under = {});

}  // namespace ablaze::formats
