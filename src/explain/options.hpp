#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/model.hpp>

#include "cam/method.hpp"

// What an Explainer's options mean for a model, as far as that shows without an input. All throw UsageError.

namespace ablaze::explain {

/// The methods of these ids, each once.
std::vector<const cam::Method*> methods_named(const std::vector<std::string>& ids);

/// The layer to explain, or those to fuse: each must have a height and a width.
std::vector<std::string> explainable_layers(const Model& model, const ExplainOptions& options);

/// The model for photos of another size (0: its own): the same part of each, with more pixels or fewer.
Model at_size(Model model, int size);

/// The class that a margin is taken against, or -1 for the runner-up.
std::int64_t other_class(const Model& model, const ExplainOptions& options);

/// A probability is asked for only where the model's outputs are such.
void require_readable_score(const Model& model, Score::Kind kind);

}  // namespace ablaze::explain
