#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ablaze/image.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::cli {

/// A file to work on.
struct Input {
  std::filesystem::path file;
  std::filesystem::path folder;  ///< where in a given folder it lay: mirrored beneath --out
};

/// Inputs that could not be used, in the order in which they were met.
using Failures = std::vector<std::string>;

struct FoundInputs {
  std::vector<Input> inputs;
  Failures failures;  ///< missing files, folders without a picture
};

/// The files that the INPUT words mean. A file stands for itself; a folder for all pictures and .npy tensors
/// below it, sorted by path. What a file is, its content says; files that are named like a picture but are
/// none stay in, so that they are reported. Names that begin with a dot and the folders `leave_out` (where
/// this program's own pictures go) are passed over.
FoundInputs find_inputs(std::span<const std::string> words,
                        std::span<const std::filesystem::path> leave_out = {});

/// An input in memory: a photo, or a tensor as a network takes it.
struct Picture {
  std::optional<Tensor> tensor;  ///< [1, 3, H, W] or [3, H, W], normalised
  Image photo;                   ///< empty where there is a tensor
};

/// Reads and decodes. Throws Error naming the file.
Picture load_picture(const std::filesystem::path& file);

/// A mask for ablation, [H, W] in [0, 1]: from a .npy file, or a picture's brightness. Throws Error.
Tensor load_mask(const std::filesystem::path& file);

}  // namespace ablaze::cli
