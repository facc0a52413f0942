#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/model.hpp>

#include "cam/method.hpp"

// Resolves an Explainer's options for a model before any input is known. All functions throw UsageError.

namespace ablaze::explain {

/// The methods with these ids, each once.
std::vector<const cam::Method*> methods_named(const std::vector<std::string>& ids);

/// The layer to explain, or the layers to fuse. Each must have a height and a width.
std::vector<std::string> explainable_layers(const Model& model, const ExplainOptions& options);

/// The model with another input size (0: its own): the same crop of each photo, at another resolution.
Model at_size(Model model, int size);

/// The other class of a margin, or -1 for the runner-up.
std::int64_t other_class(const Model& model, const ExplainOptions& options);

/// Checks that a probability is requested only if the model's head has an activation.
void require_readable_score(const Model& model, Score::Kind kind);

}  // namespace ablaze::explain
