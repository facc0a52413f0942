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

/// A tensor of an ONNX file: floats (weights) or integers (shapes).
struct OnnxTensor {
  Shape shape;
  Weight floats;  ///< empty where it holds integers
  std::vector<std::int64_t> integers;
};

struct OnnxAttribute {
  std::int64_t integer = 0;
  float real = 0;
  std::string_view text;
  std::vector<std::int64_t> integers;
  std::vector<float> reals;
  std::optional<OnnxTensor> tensor;
  bool graph = false;  ///< contains a subgraph: control flow
};

/// Element types of tensors (TensorProto.DataType); 0: not given.
enum OnnxType : std::int64_t {
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  bfloat16 = 16
};

/// Whether the numbers are floating-point ones.
bool is_float(std::int64_t type);

struct OnnxNode {
  std::string_view name, op, domain;
  std::string_view scopes;  ///< the modules around it, as PyTorch's newer exporter lists them; mostly empty
  std::vector<std::string_view> inputs, outputs;  ///< an omitted optional one is empty
  std::map<std::string_view, OnnxAttribute> attributes;
};

/// A graph input or output; an axis of open size is 0.
struct OnnxValue {
  std::string_view name;
  Shape shape;
  std::int64_t type = 0;
};

/// An ONNX file as plain data. Strings and weights are views of its bytes.
struct OnnxModel {
  std::string_view producer, graph_name;
  std::int64_t opset = 0;  ///< of the standard operators
  std::vector<OnnxNode> nodes;
  std::map<std::string_view, OnnxTensor> initializers;
  std::vector<OnnxValue> inputs, outputs;
};

/// The bytes of an external data file, and their owner.
struct OnnxExternal {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};
using OnnxExternals = std::function<OnnxExternal(std::string_view location)>;

/// Parses the wire format of an ONNX file, without interpreting it. Throws Error.
OnnxModel parse_onnx(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                     const OnnxExternals& externals, const std::string& name);

/// Reads a tensor stored in a file of its own (TensorProto).
OnnxTensor parse_onnx_tensor(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                             const std::string& name);

/// Whether the bytes look like an ONNX file.
bool looks_like_onnx(std::span<const std::byte> bytes);

/// Opens external data files, only in the ONNX file's folder and below, and maps each once.
OnnxExternals externals_beside(const std::filesystem::path& file);

}  // namespace ablaze::formats
