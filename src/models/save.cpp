#include "models/save.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <type_traits>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "formats/safetensors.hpp"
#include "graph/visit.hpp"
#include "models/graph_json.hpp"
#include "models/load.hpp"
#include "models/metadata.hpp"
#include "tensor/half.hpp"

namespace ablaze::models {
namespace {

/// Calls visit(suffix, weight) for every existing weight, with the suffix of its tensor's name.
template <class AnyOp, class Visit>
void for_each_weight(AnyOp& any, const Visit& visit) {
  const auto present = [&](const char* suffix, auto& weight) {
    if (weight) visit(suffix, weight);
  };
  std::visit(
      [&](auto& op) {
        using Operator = std::remove_const_t<std::remove_reference_t<decltype(op)>>;
        if constexpr (graph::one_of<Operator, op::Conv2d, op::Linear, op::BatchNorm>) {
          present(".weight", op.weight);
          present(".bias", op.bias);
        }
        if constexpr (std::same_as<Operator, op::BatchNorm>) {
          present(".running_mean", op.mean);
          present(".running_var", op.variance);
        }
        static_assert(
            graph::one_of<Operator, op::Conv2d, op::Linear, op::BatchNorm, op::Input, op::Relu, op::Curve,
                          op::MaxPool2d, op::AvgPool2d, op::AdaptiveAvgPool2d, op::GlobalMaxPool2d,
                          op::Flatten, op::Unflatten, op::Add, op::Multiply, op::Identity, op::ChannelMap>,
            "name the weights of a new operator");
      },
      any);
}

Weight halved(const Weight& weight, const std::string& name) {
  auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(weight.size()) * 2);
  std::array<float, 4096> block{};
  std::byte* to = bytes->data();
  for (std::int64_t begin = 0; begin < weight.size(); begin += static_cast<std::int64_t>(block.size())) {
    const std::int64_t count = std::min(weight.size() - begin, static_cast<std::int64_t>(block.size()));
    const std::span<float> values = std::span(block).first(count);
    weight.read(begin, values);
    for (const float value : values) {
      const std::uint16_t half = float_to_half(value);
      if (std::isfinite(value) && !std::isfinite(half_to_float(half))) {
        throw Error("the tensor " + name + " has the value " + std::to_string(value) +
                    ", above half precision's largest, 65504; convert with --dtype f32");
      }
      std::memcpy(to, &half, sizeof half);
      to += sizeof half;
    }
  }
  return Weight(DType::f16, weight.shape(), *bytes, bytes);
}

DType stored_dtype(const Weight& weight, DType dtype) {
  return weight.shape().size() >= 2 ? dtype : DType::f32;
}

Weight stored_as(const Weight& weight, DType dtype, const std::string& name) {
  const DType target = stored_dtype(weight, dtype);
  if (weight.dtype() == target) return weight;
  Weight stored = target == DType::f16 ? halved(weight, name) : Weight(weight.to_tensor());
  base::release_pages(weight.owner(), weight.bytes());
  return stored;
}

/// Whether the tensors' names and shapes identify the network, as in the known families; a network imported
/// from ONNX, or one of a family's with other strides, needs a description.
bool identified_by_names(const formats::TensorFile& content, const Graph& graph) {
  try {
    return graph_to_json(identify({content.tensors, {}}, "").network.graph) == graph_to_json(graph);
  } catch (const Error&) {
    return false;
  }
}

void require_written(DType dtype) {
  if (dtype == DType::bf16)
    throw UsageError("a model file is written as f32 or f16, not as bf16: choose one of them");
}

}  // namespace

Model with_weights_as(const Model& model, DType dtype) {
  require_written(dtype);
  Model out = model;
  out.graph = Graph();
  for (const Node& node : model.graph.nodes()) {
    Op op = node.op;
    for_each_weight(op, [&](const char* suffix, Weight& weight) {
      weight = stored_as(weight, dtype, node.name + suffix);
    });
    out.graph.add(node.name, std::move(op), node.inputs);
  }
  for (const auto& [name, node] : model.graph.aliases()) out.graph.alias(name, node);
  return out;
}

void save_model(const Model& model, const std::filesystem::path& file, DType dtype) {
  require_written(dtype);
  formats::TensorFile content;
  content.metadata = metadata_of(model);
  for (const Node& node : model.graph.nodes()) {
    for_each_weight(node.op, [&](const char* suffix, const Weight& weight) {
      content.tensors.emplace(node.name + suffix, weight);
    });
  }
  if (!identified_by_names(content, model.graph)) {
    content.metadata["ablaze.graph"] = graph_to_json(model.graph);
    content.metadata["ablaze.target"] = model.default_layer;
  }
  formats::write_safetensors(
      file, content,
      {[dtype](const Weight& weight) { return stored_dtype(weight, dtype); },
       [dtype](const std::string& name, const Weight& weight) { return stored_as(weight, dtype, name); }});
}

}  // namespace ablaze::models
