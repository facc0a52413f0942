#pragma once

#include <string>
#include <vector>

#include "models/assembler.hpp"

namespace ablaze::models {

/// The same tensors under torchvision's names. Removes the prefixes of wrapper modules added by training
/// scripts ("module.", "model.backbone.") and translates the names of timm's VGGs and Hugging Face's ResNets.
/// Reports every step in `notes`, for the user. Returns names that lead to no known network unchanged.
TensorMap torchvision_names(const TensorMap& tensors, std::vector<std::string>& notes);

}  // namespace ablaze::models
