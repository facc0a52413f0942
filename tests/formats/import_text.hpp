#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ablaze/error.hpp>

#include "formats/builders.hpp"
#include "formats/onnx/import.hpp"
#include "formats/onnx/onnx.hpp"
#include "formats/onnx_builder.hpp"
#include "support/message_of.hpp"

namespace ablaze::testing::onnx {

/// Imports a model from the bytes of its file, without external files.
inline formats::OnnxNetwork import_text(const std::string& file) {
  const formats::OnnxExternals none = [](std::string_view) -> formats::OnnxExternal {
    throw Error("no other files here");
  };
  // Weights are views and must share ownership of the bytes.
  const auto owner = std::make_shared<const std::vector<std::byte>>(to_bytes(file));
  const std::string name = "model.onnx";
  return formats::import_onnx(formats::parse_onnx(*owner, owner, none, name), name);
}

/// The error message for a graph; empty if it is imported.
inline std::string refused_graph(const std::string& graph) {
  return message_of([&] { import_text(model(graph)); });
}
inline std::string refused_nodes(const std::string& nodes, std::vector<std::int64_t> input = {1, 3, 4, 6}) {
  return refused_graph(from_x_to_y(nodes, std::move(input)));
}

inline std::string pooled(const std::string& from) {
  return node("GlobalAveragePool", {from}, {"pooled"}) + node("Flatten", {"pooled"}, {"y"});
}

}  // namespace ablaze::testing::onnx
