#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/graph.hpp>
#include <ablaze/preprocess.hpp>

#include "models/assembler.hpp"

namespace ablaze::models {

/// A network identified by its tensors.
struct Network {
  Graph graph;
  std::string architecture;   ///< as specific as possible: "resnet18_thin"
  std::string depth_name;     ///< without the width: "resnet18"; the family's name for an unknown depth
  std::string default_layer;  ///< the target layer by default
  Preprocess preprocess;      ///< the usual preprocessing of such networks
  /// What was assumed, where the tensors do not tell, and what was left out, in words.
  std::vector<std::string> notes{};
};

/// A kind of network identified by its tensors' names and shapes. To add a family, add a row to the table in
/// families.cpp.
struct Family {
  std::string_view name;                       ///< "resnet"; also the architecture for an unknown depth
  std::span<const std::string_view> prefixes;  ///< prefixes of its architectures' names
  bool (*matches)(const TensorMap& tensors);   ///< from the names alone
  Network (*build)(Assembler& assembler);      ///< throws Error
};

std::span<const Family> families();

/// The family of these tensors. Throws Error naming what was found and what is known.
const Family& find_family(const TensorMap& tensors, const std::string& file);

/// How to bring a network whose tensors alone do not tell it: "export it to ONNX: torch.onnx.export(...)".
std::string export_advice();

/// Whether an architecture's name is valid for this network: its own name, the name without the width, or the
/// family's.
bool names_network(std::string_view architecture, const Family& family, const Network& network);

bool matches_vgg(const TensorMap& tensors);
Network build_vgg(Assembler& assembler);
bool matches_resnet(const TensorMap& tensors);
Network build_resnet(Assembler& assembler);
bool matches_cifar_resnet(const TensorMap& tensors);
Network build_cifar_resnet(Assembler& assembler);
bool matches_alexnet(const TensorMap& tensors);
Network build_alexnet(Assembler& assembler);
bool matches_squeezenet(const TensorMap& tensors);
Network build_squeezenet(Assembler& assembler);
bool matches_mobilenet_v2(const TensorMap& tensors);
Network build_mobilenet_v2(Assembler& assembler);
bool matches_mobilenet_v3(const TensorMap& tensors);
Network build_mobilenet_v3(Assembler& assembler);
bool matches_densenet(const TensorMap& tensors);
Network build_densenet(Assembler& assembler);
bool matches_googlenet(const TensorMap& tensors);
Network build_googlenet(Assembler& assembler);
bool matches_inception(const TensorMap& tensors);
Network build_inception(Assembler& assembler);
bool matches_mnasnet(const TensorMap& tensors);
Network build_mnasnet(Assembler& assembler);
bool matches_shufflenet(const TensorMap& tensors);
Network build_shufflenet(Assembler& assembler);
bool matches_efficientnet(const TensorMap& tensors);
Network build_efficientnet(Assembler& assembler);
bool matches_regnet(const TensorMap& tensors);
Network build_regnet(Assembler& assembler);

/// The number between `prefix` and `suffix` in a tensor's name ("features." 12 ".weight"); -1 where the name
/// has another form. An empty suffix matches any text after a dot.
int index_in(std::string_view name, std::string_view prefix, std::string_view suffix = {});

}  // namespace ablaze::models
