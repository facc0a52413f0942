#pragma once

#include <span>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>

#include "cam/method.hpp"
#include "explain/session_cache.hpp"

namespace ablaze::explain {

/// What an Explainer asks of every input.
struct ExplainRequest {
  const Graph& graph;
  std::span<const cam::Method* const> methods;
  std::span<const std::string> layers;  ///< several: their maps become one
  const ExplainOptions& options;
};

/// One method's map for one class, and what it is made of.
struct Attribution {
  std::vector<LayerMap> layers;  ///< at least one
  Tensor map, signed_map;        ///< of all layers
  std::string note;
  double divisor = 1;
};

/// A method's answers, one a class.
struct MethodAttribution {
  std::vector<Attribution> classes;
  double milliseconds = 0;  ///< with the passes of further views, which the methods share
};

/// Asks every method about an input and its classes. `trace` is the input's run in its session; further views
/// of the input (Smoothing::augment) are run in the cache's sessions, after which `trace` is another's.
/// Throws UsageError where a method cannot be asked in this way.
std::vector<MethodAttribution> attribute(const ExplainRequest& request, SessionCache& sessions,
                                         const Tensor& input, const Trace& trace,
                                         std::span<const cam::Target> targets, const Progress& progress);

/// Compiles what the methods will need, so that it is in nobody's time.
void prepare(const ExplainRequest& request, const Session& session);

}  // namespace ablaze::explain
