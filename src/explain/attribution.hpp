#pragma once

#include <span>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>

#include "cam/method.hpp"
#include "explain/session_cache.hpp"

namespace ablaze::explain {

/// The options that an Explainer uses for all inputs.
struct ExplainRequest {
  const Graph& graph;
  std::span<const cam::Method* const> methods;
  std::span<const std::string> layers;  ///< several: fuses their maps
  const ExplainOptions& options;
};

/// One method's map for one class, with its parts.
struct Attribution {
  std::vector<LayerAttribution> layers;  ///< at least one
  Tensor map, signed_map;                ///< of all layers together
  std::string note;
  double divisor = 1;
};

/// A method's results, one per class.
struct MethodAttribution {
  std::vector<Attribution> classes;
  double milliseconds = 0;  ///< includes the passes of further views, which all methods share
};

/// Runs every method on an input for its classes. `trace` is the input's run in its session. Further views of
/// the input (Smoothing::augment) run in the cache's sessions and may invalidate `trace`. Throws UsageError
/// if a method does not support the request.
std::vector<MethodAttribution> attribute(const ExplainRequest& request, SessionCache& sessions,
                                         const Tensor& input, const Trace& trace,
                                         std::span<const cam::Target> targets, const Progress& progress);

/// Compiles the delta and gradient programs ahead of the run, so that no method's time includes compilation.
void prepare(const ExplainRequest& request, const Session& session);

/// The progress of part `index` of `count` equal parts of a whole, which must outlive it.
Progress part_of(const Progress& whole, std::size_t index, std::size_t count);

}  // namespace ablaze::explain
