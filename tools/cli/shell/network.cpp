#include "cli/shell/network.hpp"

#include <ablaze/image.hpp>

#include "explain/session_cache.hpp"

namespace ablaze::cli {

Model open_model(const ModelChoice& choice) {
  return load_model(choice.file.empty() ? shipped_model() : choice.file, {.under = choice.under});
}

SessionOptions session_options(const Common& common) {
  SessionOptions options;
  options.execution = common.execution;
  return options;
}

Tensor network_input(const Picture& picture, const Model& model) {
  if (picture.tensor) return explain::as_single_input(*picture.tensor, model.input_shape()[1]);
  return preprocess(picture.photo, model.preprocess);
}

}  // namespace ablaze::cli
