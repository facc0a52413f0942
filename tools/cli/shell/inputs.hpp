#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ablaze/image.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::cli {

/// An input file.
struct Input {
  std::filesystem::path file;
  std::filesystem::path folder;  ///< its path relative to the given folder: mirrored below --out
};

/// Unusable inputs, in the order found.
using Failures = std::vector<std::string>;

struct FoundInputs {
  std::vector<Input> inputs;
  Failures failures;  ///< missing files, folders without an image
};

/// The files selected by the INPUT arguments. A file stands for itself, a folder for all images and .npy
/// tensors below it, sorted by path. The type is detected by content; files with an image's name but other
/// content are kept, so that they are reported. Skips names that start with a dot and the folders `leave_out`
/// (this program's own output).
FoundInputs find_inputs(std::span<const std::string> words,
                        std::span<const std::filesystem::path> leave_out = {});

/// Whether a path is a JPEG or PNG file, by its content.
bool is_photo(const std::filesystem::path& file);

/// An input in memory: a photo, or a tensor in the network's input format.
struct Picture {
  std::optional<Tensor> tensor;    ///< [1, 3, H, W] or [3, H, W], normalised
  Image photo;                     ///< empty where there is a tensor
  std::string jpeg_decoder;        ///< what decoded it; empty where it is no JPEG
  std::vector<std::string> notes;  ///< what is odd about the photo's file
};

/// Reads and decodes an input. Throws Error naming the file.
Picture load_picture(const std::filesystem::path& file);

/// A mask for ablation, [H, W] in [0, 1]: from a .npy file, or from an image's brightness. Throws Error.
Tensor load_mask(const std::filesystem::path& file);

}  // namespace ablaze::cli
