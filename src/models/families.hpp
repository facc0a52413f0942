#pragma once

#include <span>
#include <string>
#include <string_view>

#include <ablaze/graph.hpp>
#include <ablaze/preprocess.hpp>

#include "models/assembler.hpp"

namespace ablaze::models {

/// A network as its tensors tell it.
struct Network {
  Graph graph;
  std::string architecture;   ///< as precise as it goes: "resnet18_thin"
  std::string depth_name;     ///< without the width: "resnet18"; the family's name where no depth fits
  std::string default_layer;  ///< what is explained unless a layer is named
  Preprocess preprocess;      ///< what such networks are trained with, as a rule
};

/// A kind of network that is known by its tensors' names and shapes alone. A further family is one more row
/// of the table in families.cpp.
struct Family {
  std::string_view name;                       ///< "resnet"; also the architecture where no depth fits
  std::span<const std::string_view> prefixes;  ///< how the names of its architectures begin
  std::string_view looks_like;                 ///< for errors: the tensors that tell it
  bool (*matches)(const TensorMap& tensors);   ///< from the names alone
  Network (*build)(Assembler& assembler);      ///< throws Error
};

std::span<const Family> families();

/// The family that these tensors belong to. Throws Error naming what was found and what is known.
const Family& find_family(const TensorMap& tensors, const std::string& file);

/// Whether an architecture's name may stand for this network: its own name, the name without the width, or
/// the family's.
bool names_network(std::string_view architecture, const Family& family, const Network& network);

bool matches_vgg(const TensorMap& tensors);
Network build_vgg(Assembler& assembler);
bool matches_resnet(const TensorMap& tensors);
Network build_resnet(Assembler& assembler);
bool matches_cifar_resnet(const TensorMap& tensors);
Network build_cifar_resnet(Assembler& assembler);

/// The number between `prefix` and `suffix` in a tensor's name ("features." 12 ".weight"); -1 where the name
/// is built otherwise. An empty suffix takes whatever follows a dot.
int index_in(std::string_view name, std::string_view prefix, std::string_view suffix = {});

}  // namespace ablaze::models
