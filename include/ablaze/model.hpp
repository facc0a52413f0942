#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/activation.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/preprocess.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze {

/// A small deterministic input with its logits, carried by the model file: proof that the weights
/// arrived whole and that this machine computes what the converter's machine computed.
struct SelfTest {
  Shape input_shape;       ///< [1, C, H, W]
  std::uint64_t seed = 0;  ///< of the input, see selftest_input
  std::vector<float> logits;
};

/// A network with all that is needed to use it: plain data, cheap to copy (weights are shared),
/// safe to read from many threads.
struct Model {
  Graph graph;
  std::string architecture;  ///< "resnet18", "vgg11_bn", ...; its family's, "resnet", where no name fits
  std::vector<std::string> labels;  ///< by class index; empty where the file has none
  /// WordNet ids of the classes ("n01440764"), by class index; empty where unknown, and so may single ones
  /// be.
  std::vector<std::string> synsets{};
  Preprocess preprocess;
  Activation activation = Activation::softmax;
  std::string provenance;     ///< where the weights came from, and their licence
  std::string default_layer;  ///< what is explained unless a layer is named
  std::optional<SelfTest> selftest;
  std::string source;              ///< the file
  std::string under;               ///< which of its networks, as LoadOptions::under
  std::vector<std::string> parts;  ///< the files that hold the weights, where the file is one of several
  std::vector<std::string> notes;  ///< what its reader had to decide, in words: names that were stripped, ...

  std::int64_t class_count() const;
  /// The label, or "class 17" where there is none.
  std::string label(std::int64_t index) const;
  /// [1, channels, height, width] as the preprocessing makes it
  Shape input_shape() const;
};

struct LoadOptions {
  /// Which network of a file with several: its path of keys ("ema", "model.teacher") or the start of its
  /// tensors' names ("student"). Empty: the only one, or the one that the averages beside it are of.
  std::string under;
};

/// Opens a model file: ablaze's own safetensors, a plain safetensors file or a PyTorch checkpoint
/// (.pth, .pt, of any age) with torchvision's names, timm's or Hugging Face's, or an ONNX file of a
/// feed-forward convolutional classifier (opset 7 to 24). Throws Error.
Model load_model(const std::string& file, const LoadOptions& options = {});

/// The model that ships with the program: found beside the installation or in the build tree, or
/// where $ABLAZE_WEIGHTS says. Throws Error where it cannot be found.
std::string shipped_model();

/// The deterministic input of a SelfTest.
Tensor selftest_input(const Shape& shape, std::uint64_t seed);

}  // namespace ablaze
