#pragma once

#include <string>
#include <vector>

#include "models/assembler.hpp"

namespace ablaze::models {

/// The same tensors under torchvision's names. Training scripts wrap a network in others, whose names then
/// stand before its own ("module.", "model.backbone."): they are left away. timm's VGGs and Hugging Face's
/// ResNets have names of their own: they are translated. Every such step is told in `notes`, for people.
/// Names that lead to no network that is known here come back as they are.
TensorMap torchvision_names(const TensorMap& tensors, std::vector<std::string>& notes);

}  // namespace ablaze::models
