#include "models/load.hpp"

#include <algorithm>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/model.hpp>

#include "base/files.hpp"
#include "base/text.hpp"
#include "formats/onnx/onnx.hpp"
#include "formats/shards.hpp"
#include "formats/tensor_file.hpp"
#include "models/config.hpp"
#include "models/families.hpp"
#include "models/foreign.hpp"
#include "models/graph_json.hpp"
#include "models/metadata.hpp"
#include "models/names.hpp"
#include "models/onnx.hpp"

namespace ablaze {
namespace models {
namespace {

/// A file may use any name of its network's family ("resnet18_flowers"): the name is for display, the tensors
/// identify the network.
void check_declared(const std::string& declared, const Family& family, const std::string& file) {
  const auto begins = [&](std::string_view prefix) { return declared.starts_with(prefix); };
  if (std::ranges::any_of(family.prefixes, begins)) return;
  const std::vector<std::string> expected(family.prefixes.begin(), family.prefixes.end());
  throw Error(file + ": the metadata's ablaze.architecture is \"" + base::printable(declared) +
              "\", but the tensors belong to a network whose name begins with " +
              base::join(expected, " or ") + "; convert the model again");
}

}  // namespace

namespace {

void check_requested(const std::string& requested, const Identified& found, const std::string& file) {
  if (requested.empty() || found.family == nullptr || names_network(requested, *found.family, found.network))
    return;
  throw Error(file + ": expected the architecture \"" + base::printable(requested) + "\", found tensors of " +
              found.network.architecture + "; remove the architecture, or give the one that was found");
}

void refuse_foreign(const TensorMap& tensors, const std::string& file) {
  const std::string what = describe_foreign(tensors);
  if (!what.empty()) throw Error(file + ": it holds " + what);
}

}  // namespace

std::string default_target(const Graph& graph, const Shape& input) {
  NodeId id = last_spatial(graph, graph.infer_shapes(input));
  const auto passes = [](const Op& op) {
    return std::holds_alternative<op::MaxPool2d>(op) || std::holds_alternative<op::AvgPool2d>(op) ||
           std::holds_alternative<op::AdaptiveAvgPool2d>(op) ||
           std::holds_alternative<op::GlobalMaxPool2d>(op) || std::holds_alternative<op::Identity>(op);
  };
  while (passes(graph.node(id).op) && graph.node(id).inputs[0] > 0) id = graph.node(id).inputs[0];
  return graph.node(id).name;
}

Network described_network(Graph graph, const Shape& input, std::string target) {
  Network network;
  network.graph = std::move(graph);
  network.architecture = network.depth_name = "onnx";
  network.default_layer = target.empty() ? default_target(network.graph, input) : std::move(target);
  return network;
}

Identified identify(const formats::TensorFile& content, const std::string& file) {
  if (const auto description = content.metadata.find("ablaze.graph"); description != content.metadata.end()) {
    if (!content.under.empty())
      throw Error(file + ": it holds one network: remove --under (LoadOptions::under)");
    Graph graph = graph_from_json(description->second, content.tensors, file);
    const auto target = content.metadata.find("ablaze.target");
    std::string layer = target == content.metadata.end() ? graph.node(graph.output()).name : target->second;
    graph.find(layer);
    return {nullptr, described_network(std::move(graph), {}, std::move(layer)), {}};
  }
  std::vector<std::string> notes;
  const TensorMap all = tensors_under(content, file, notes);
  refuse_foreign(all, file);
  const TensorMap tensors = torchvision_names(all, notes, file);
  const Family& family = find_family(tensors, file);
  Assembler assembler(tensors, file);
  Network network = family.build(assembler);
  return {&family, std::move(network), std::move(notes)};
}

Model make_model(const formats::TensorFile& content, Identified found, const std::filesystem::path& source,
                 OnRefusal on_refusal) {
  const std::string declared = declared_architecture(content.metadata);
  if (!declared.empty() && found.family != nullptr) check_declared(declared, *found.family, source.string());
  Model model;
  model.graph = std::move(found.network.graph);
  model.architecture = declared;
  if (declared.empty()) model.architecture = std::move(found.network.architecture);
  model.default_layer = std::move(found.network.default_layer);
  model.preprocess = found.network.preprocess;
  model.source = source.string();
  model.notes = content.notes;
  model.notes.insert(model.notes.end(), found.notes.begin(), found.notes.end());
  // Our own files say what these only assume.
  if (!content.metadata.contains("ablaze.version"))
    model.notes.insert(model.notes.end(), found.network.notes.begin(), found.network.notes.end());
  // Our own files are complete; in other programs' files, any of our keys precedes the config files.
  if (!content.metadata.contains("ablaze.version")) apply_config(model, on_refusal);
  apply_metadata(content.metadata, model);
  return model;
}

Model open_model(const std::filesystem::path& file, const std::string& architecture,
                 const LoadOptions& options, OnRefusal on_refusal) {
  const auto mapped = base::MappedFile::open(file);
  if (formats::looks_like_onnx(mapped->bytes()) && !formats::looks_like_tensorflow(mapped->bytes())) {
    if (!options.under.empty())
      throw Error(file.string() + ": an ONNX file holds one network: remove --under (LoadOptions::under)");
    return open_onnx(mapped, file, on_refusal);
  }
  const formats::TensorFile content = formats::parse_sharded(mapped, file, options.under);
  Identified found = identify(content, file.string());
  check_requested(architecture, found, file.string());
  Model model = make_model(content, std::move(found), file, on_refusal);
  model.under = options.under;
  model.parts = content.parts;
  return model;
}

}  // namespace models

Model load_model(const std::string& file, const LoadOptions& options) {
  return models::open_model(file, {}, options);
}

}  // namespace ablaze
