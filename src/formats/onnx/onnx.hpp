#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/tensor.hpp>

namespace ablaze::formats {

/// A tensor of an ONNX file: numbers that weights are made of, or integers that shapes are.
struct OnnxTensor {
  Shape shape;
  Weight floats;  ///< absent where it holds integers
  std::vector<std::int64_t> integers;
};

struct OnnxAttribute {
  std::int64_t integer = 0;
  float real = 0;
  std::string_view text;
  std::vector<std::int64_t> integers;
  std::vector<float> reals;
  std::optional<OnnxTensor> tensor;
  bool graph = false;  ///< holds a graph of its own: control flow
};

struct OnnxNode {
  std::string_view name, op, domain;
  std::vector<std::string_view> inputs, outputs;  ///< an optional one that is left out is empty
  std::map<std::string_view, OnnxAttribute> attributes;
};

/// What goes in or comes out: an axis of open size is 0.
struct OnnxValue {
  std::string_view name;
  Shape shape;
};

/// An ONNX file as plain data. Texts and weights are views of its bytes.
struct OnnxModel {
  std::string_view producer, graph_name;
  std::int64_t opset = 0;  ///< of the standard operators
  std::vector<OnnxNode> nodes;
  std::map<std::string_view, OnnxTensor> initializers;
  std::vector<OnnxValue> inputs, outputs;
};

/// The bytes of a file that an ONNX file keeps numbers in beside itself, and their owner.
struct OnnxExternal {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};
using OnnxExternals = std::function<OnnxExternal(std::string_view location)>;

/// Reads the wire format of an ONNX file; nothing of its meaning is looked at. Throws Error.
OnnxModel parse_onnx(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                     const OnnxExternals& externals, const std::string& name);

/// Reads one tensor as it stands in a file of its own (TensorProto).
OnnxTensor parse_onnx_tensor(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                             const std::string& name);

/// Whether the bytes begin as an ONNX file does.
bool looks_like_onnx(std::span<const std::byte> bytes);

/// Opens files beside an ONNX file, those in its folder and below alone, each mapped once.
OnnxExternals externals_beside(const std::filesystem::path& file);

}  // namespace ablaze::formats
