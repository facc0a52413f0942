#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/graph.hpp>
#include <ablaze/methods.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze::cam {

/// What a method explains for one class: a score, or a weighted sum of scores (Finer-CAM's difference to
/// similar classes).
struct Target {
  struct Term {
    Score score;
    double factor = 1;
  };
  std::vector<Term> terms;
};

/// All that a method may use to explain one input. Methods that only weight activations read the trace;
/// methods that need other inputs run the session on modified inputs.
struct Request {
  const Graph& graph;
  const Session& session;  ///< keeps `layer`, and the preactivations behind it
  const Tensor& input;     ///< [1, 3, H, W], the input of the trace
  const Trace& trace;      ///< keeps `layer`
  std::string_view layer;
  std::span<const Target> targets;  ///< one per class to explain
  const Ablation& ablation;
  const MethodOptions& options;
  const Progress& progress;
};

/// A method's result for one class.
struct Result {
  std::vector<double> drops;    ///< [C] y - y_k; empty if the method has none
  std::vector<double> weights;  ///< [C]; empty if the method has none
  Tensor map;                   ///< [H, W], after the method's ReLU, unnormalised, always finite
  Tensor signed_map;            ///< [H, W] before that ReLU
  double divisor = 1;           ///< what the weights were divided by, if that depends on the class
  std::string note;             ///< what the reader must know about the map; may be empty
  Findings findings;
};

/// What a method runs in addition to the first forward pass: its cost, except for sums over the layer.
struct Cost {
  double networks = 0;   ///< forward passes of the whole network
  double tails = 0;      ///< forward passes of the network behind the layer
  double gradients = 0;  ///< gradients of the layer
  double ablations = 0;  ///< sets of channels ablated, by Trace::ablate_sets
};

/// A CAM method: its names and its function. One call explains all classes, so that they share all cost that
/// does not depend on the class.
struct Method {
  std::string_view id;
  std::string_view name;
  std::string_view summary;  ///< one sentence
  std::string_view paper;    ///< authors, title, venue, year
  std::string_view passes;   ///< the passes per class, in words
  bool needs_gradients = false;
  bool class_discriminative = true;  ///< whether different classes of an image get different maps
  /// The passes as counts, for a layer of [C, H, W].
  Cost (*cost)(const Shape& layer, const MethodOptions& options) = nullptr;
  /// Whether the method supports a layer of a network; nullptr: any layer.
  bool (*fits)(const Graph& graph, const Session& session, std::string_view layer) = nullptr;
  std::vector<Result> (*explain)(const Request&) = nullptr;  ///< one result per target, in order
};

/// All methods, in listing order.
std::span<const Method* const> methods();

/// The method with that id, or nullptr.
const Method* find_method(std::string_view id);

}  // namespace ablaze::cam
