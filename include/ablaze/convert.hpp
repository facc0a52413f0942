#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ablaze/execution.hpp>
#include <ablaze/model.hpp>

namespace ablaze {

struct ConvertOptions {
  std::string architecture;          ///< empty: found from the tensors; else it must fit them
  std::vector<std::string> labels;   ///< empty: the source's own, if it has any; else one a class
  std::string labels_source;         ///< the file of the labels, for messages; empty: none
  std::vector<std::string> synsets;  ///< WordNet ids of the classes; empty: the source's own, if it has any
  DType dtype = DType::f32;          ///< f16 halves the file; 1-D tensors stay f32
  std::optional<Activation> activation;
  std::optional<Preprocess> preprocess;
  std::string under;       ///< as LoadOptions::under
  std::string provenance;  ///< empty: the source's own, or its file name
  Execution execution;     ///< of the self-test
};

/// Converts a weight file into ablaze's model file (safetensors with metadata and a self-test), atomically,
/// and returns the model as the new file holds it, with the notes on the source. Throws Error.
Model convert_model(const std::string& source, const std::string& out, const ConvertOptions& options = {});

struct Verification {
  double error = 0;     ///< relative L2 between the file's logits and this machine's
  bool passed = false;  ///< error <= 1e-4
};
/// Runs the self-test that a model file carries. Throws Error where it has none.
Verification verify_model(const Model& model, const Execution& execution = {});

}  // namespace ablaze
