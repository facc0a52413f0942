#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/findings.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/method_options.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// What a method explains for one class: a score, or a sum of scores with factors (Finer-CAM's difference to
/// similar classes).
struct Target {
  struct Term {
    Score score;
    double factor = 1;
  };
  std::vector<Term> terms;
};

/// All that a method may look at to explain one input. Methods that only weight what is there read the
/// trace; methods that show the network other pictures run the session on changes of the input.
struct Request {
  const Graph& graph;
  const Session& session;  ///< keeps `layer`, and the preactivations behind it
  const Tensor& input;     ///< [1, 3, H, W], what the trace came from
  const Trace& trace;      ///< keeps `layer`
  std::string_view layer;
  std::span<const Target> targets;  ///< one a class to explain
  const Ablation& ablation;
  const MethodOptions& options;
  const Progress& progress;
};

/// A method's result for one class.
struct Result {
  std::vector<double> drops;    ///< [C] y - y_k; empty where the method has none
  std::vector<double> weights;  ///< [C]; empty where the method has none
  Tensor map;                   ///< [H, W], after the method's ReLU, unnormalised, always finite
  Tensor signed_map;            ///< [H, W] before that ReLU
  double divisor = 1;           ///< what the weights were divided by, where that depends on the class
  std::string note;             ///< what a reader of the map must know; else empty
  Findings findings;
};

/// What a method runs beside the first forward pass: what it costs, but for sums over the layer.
struct Cost {
  double networks = 0;   ///< forward passes of the whole network
  double tails = 0;      ///< forward passes of what lies behind the layer
  double gradients = 0;  ///< gradients of the layer
  double ablations = 0;  ///< sets of channels ablated, by Trace::ablate_sets
};

/// A CAM method: what it is called, and the function that does it. All classes are answered in one call, so
/// that they share whatever cost does not depend on the class.
struct Method {
  std::string_view id;
  std::string_view name;
  std::string_view summary;  ///< one sentence
  std::string_view paper;    ///< authors, title, venue, year
  std::string_view passes;   ///< what it runs for one class, in words
  bool needs_gradients = false;
  bool class_discriminative = true;  ///< whether two classes of a picture have different maps
  /// The same as a count, for a layer of [C, H, W].
  Cost (*cost)(const Shape& layer, const MethodOptions& options) = nullptr;
  /// Whether it can explain a layer of a network at all; nullptr: any.
  bool (*fits)(const Graph& graph, const Session& session, std::string_view layer) = nullptr;
  std::vector<Result> (*explain)(const Request&) = nullptr;  ///< one result a target, in order
};

/// Every method, in the order in which they are listed.
std::span<const Method* const> methods();

/// The method of that id, or nullptr.
const Method* find_method(std::string_view id);

}  // namespace ablaze::cam
