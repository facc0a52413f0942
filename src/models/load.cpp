#include <ablaze/error.hpp>
#include <ablaze/model.hpp>
#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "formats/tensor_file.hpp"
#include "models/config.hpp"
#include "models/families.hpp"
#include "models/load.hpp"
#include "models/metadata.hpp"
#include "models/names.hpp"

namespace ablaze {
namespace models {
namespace {

/// A file may call its network by any name of its family ("resnet18_flowers"): the name is for display, the
/// tensors say what it is.
void check_declared(const std::string& declared, const Family& family, const std::string& file) {
  const auto begins = [&](std::string_view prefix) { return declared.starts_with(prefix); };
  if (std::ranges::any_of(family.prefixes, begins)) return;
  const std::vector<std::string> expected(family.prefixes.begin(), family.prefixes.end());
  throw Error(file + ": the metadata's ablaze.architecture is \"" + base::printable(declared) +
              "\", but the tensors are those of a network whose name begins with " +
              base::join(expected, " or ") + "; convert the model again");
}

}  // namespace

Identified identify(const formats::TensorFile& content, const std::string& file) {
  std::vector<std::string> notes;
  const TensorMap tensors = torchvision_names(content.tensors, notes);
  const Family& family = find_family(tensors, file);
  Assembler assembler(tensors, file);
  Network network = family.build(assembler);
  return {&family, std::move(network), std::move(notes)};
}

Model make_model(const formats::TensorFile& content, Identified found, const std::filesystem::path& source) {
  const std::string declared = declared_architecture(content.metadata);
  if (!declared.empty()) check_declared(declared, *found.family, source.string());
  Model model;
  model.graph = std::move(found.network.graph);
  model.architecture = declared.empty() ? std::move(found.network.architecture) : declared;
  model.default_layer = std::move(found.network.default_layer);
  model.source = source;
  model.notes = content.notes;
  model.notes.insert(model.notes.end(), found.notes.begin(), found.notes.end());
  // Our own files say it all; in other programs' any of our keys goes before what lies beside them.
  if (!content.metadata.contains("ablaze.version")) apply_config(model);
  apply_metadata(content.metadata, model);
  return model;
}

}  // namespace models

Model load_model(const std::filesystem::path& file) {
  const formats::TensorFile content = formats::read_tensor_file(file);
  return models::make_model(content, models::identify(content, file.string()), file);
}

}  // namespace ablaze
