#pragma once

#include <string>
#include <vector>

#include "formats/tensor_file.hpp"
#include "models/assembler.hpp"

namespace ablaze::models {

/// The tensors of a file, or those below TensorFile::under, where it starts names. Throws Error where none
/// does, listing what the file has.
TensorMap tensors_under(const formats::TensorFile& content, const std::string& file,
                        std::vector<std::string>& notes);

/// Whether these are names of a supported family, or of a program whose names are translated.
bool is_known_network(const TensorMap& tensors);

/// The same tensors under torchvision's names. Removes the prefixes of wrapper modules added by training
/// scripts ("module.", "model.backbone.") and translates the names of timm's VGGs and Hugging Face's ResNets.
/// Reports every step in `notes`, for the user. Returns names that lead to no known network unchanged. Throws
/// Error, naming `file`, where several networks lie under different prefixes.
TensorMap torchvision_names(const TensorMap& tensors, std::vector<std::string>& notes,
                            const std::string& file = "the model");

}  // namespace ablaze::models
