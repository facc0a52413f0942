#pragma once

#include <string>

#include <ablaze/explain.hpp>
#include <ablaze/image.hpp>
#include <ablaze/model.hpp>

#include "memory/attempts.hpp"
#include "support/seeded.hpp"

namespace ablaze::testing {

/// A model with every kind of layer that allocates memory, for photos of 12x12 pixels.
inline Model small_model() {
  const auto convolution = [](const std::string& name, const Shape& shape) {
    op::Conv2d conv;
    conv.weight = seeded_tensor(name + ".weight", shape);
    conv.bias = seeded_tensor(name + ".bias", {shape[0]});
    conv.padding = {static_cast<int>(shape[2] / 2), static_cast<int>(shape[3] / 2)};
    return conv;
  };
  op::BatchNorm norm;
  norm.weight = seeded_tensor("bn.weight", {4});
  norm.mean = seeded_tensor("bn.running_mean", {4});
  norm.variance = seeded_tensor("bn.running_var", {4});
  Model model;
  Graph& graph = model.graph;
  graph.add("input", op::Input{{3, 0, 0}}, {});
  graph.add("conv1", convolution("conv1", {4, 3, 3, 3}), {0});
  graph.add("bn1", norm, {1});
  graph.add("relu1", op::Relu{}, {2});
  graph.add("pool", op::MaxPool2d{}, {3});
  graph.add("conv2", convolution("conv2", {4, 4, 3, 3}), {4});
  graph.add("add", op::Add{}, {5, 4});
  graph.add("relu2", op::Relu{}, {6});
  graph.add("avgpool", op::AdaptiveAvgPool2d{}, {7});
  graph.add("flatten", op::Flatten{}, {8});
  graph.add("fc", op::Linear{seeded_tensor("fc.weight", {4, 4}), seeded_tensor("fc.bias", {4})}, {9});
  model.architecture = "small";
  model.labels = {"tench", "church", "chute", "ball"};
  model.preprocess = {12, 12, Interpolation::bilinear, {0.5F, 0.5F, 0.5F}, {0.25F, 0.25F, 0.25F}};
  model.default_layer = "relu2";
  return model;
}

inline Image small_photo() {
  Image photo(15, 13);
  std::uint64_t place = 0;
  for (std::uint8_t& byte : photo.pixels())
    byte = static_cast<std::uint8_t>(128 + 127 * seeded_unit(fnv1a("photo"), place++));
  return photo;
}

inline void add_bytes(std::string& to, const Tensor& tensor) { add_bytes(to, tensor.values()); }

/// The parts of an explanation that are equal in every run: all except the times.
inline std::string bytes_of(std::span<const Explanation> explanations) {
  std::string bytes;
  for (const Explanation& e : explanations) {
    bytes += e.method + e.layer_names() + e.target.label + e.note;
    for (const LayerAttribution& layer : e.layers) {
      add_bytes(bytes, layer.drops);
      add_bytes(bytes, layer.weights);
      add_bytes(bytes, layer.activation);
    }
    add_bytes(bytes, e.map);
    add_bytes(bytes, e.signed_map);
  }
  return bytes;
}

}  // namespace ablaze::testing
