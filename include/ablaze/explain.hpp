#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/execution.hpp>
#include <ablaze/findings.hpp>
#include <ablaze/image.hpp>
#include <ablaze/method_options.hpp>
#include <ablaze/model.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/resolution.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze {

/// A CAM method as `ablaze methods` lists it.
struct MethodInfo {
  std::string id;       ///< "ablation"
  std::string name;     ///< "Ablation-CAM"
  std::string summary;  ///< one sentence
  std::string paper;    ///< authors, title, venue, year
  std::string passes;   ///< what it runs for one class, in words
  bool needs_gradients = false;
  bool class_discriminative = true;  ///< whether two classes of a picture have different maps
};
std::span<const MethodInfo> methods();

struct ClassScore {
  std::int64_t index = 0;
  std::string label;
  double logit = 0;
  double probability = 0;  ///< nan where the model's outputs are not probabilities (Activation::none)
};

struct ExplainOptions {
  std::vector<std::string> methods{"ablation"};
  std::string layer{};  ///< empty: the model's default
  /// Each a class index in digits, "topN", a label or an unambiguous part of one.
  std::vector<std::string> classes{"top1"};
  Score::Kind score = Score::Kind::logit;
  /// Score::Kind::margin: the class that each is set against, an index or a label; empty: the runner-up, the
  /// best other class.
  std::string against{};
  Ablation ablate{};
  MethodOptions method{};
  /// Several layers whose maps become one, at the finest one's resolution; then there is no `layer`.
  std::vector<std::string> fuse{};
  Fusion fusion = Fusion::mean;
  Smoothing smooth{};
  /// Photos are shown to the network this many pixels wide and high instead of the model's crop, the same
  /// part of them: the maps are finer. 0: the model's crop. The network must be convolutional up to a pool
  /// that takes any size, and sees its objects larger than in training.
  int size = 0;
  Execution execution{};
  bool keep_activations = false;  ///< fill Explanation::activation
};

/// Times of one explanation, in milliseconds. What several explanations share (the input, the forward pass, a
/// method's work for all its classes) is reported whole in each of them; compiling the network is in none.
struct Timing {
  double load = 0;     ///< from the photo to the network's input; a caller adds its own reading and decoding
  double forward = 0;  ///< one pass of the network
  double attribution = 0;  ///< the method, for all classes of the call
  double render = 0;       ///< the caller's drawing and writing; 0 as it leaves here
};

/// What one of several fused layers contributes.
struct LayerMap {
  std::string layer;
  Shape layer_shape;            ///< [C, H, W]
  std::vector<double> drops;    ///< [C]; empty where the method has none
  std::vector<double> weights;  ///< [C]; empty where the method has none
  Tensor map, signed_map;       ///< [H, W], as of this layer alone
  std::string note;
  Findings findings;  ///< what the method tells beside the map
};

/// One input, method and class.
struct Explanation {
  std::string method;  ///< id
  std::string layer;   ///< as asked for; fused ones joined by commas
  Shape
      layer_shape;  ///< [C, H, W]; of fused layers, all their channels and the finest one's height and width
  Shape input_shape;  ///< [1, 3, H, W]: what the network saw
  ClassScore target;
  std::vector<ClassScore> top;  ///< the five best classes, best first
  std::vector<double> drops;    ///< [C] y - y_k; empty where the method has none, and for fused layers
  std::vector<double> weights;  ///< [C]; likewise
  Tensor map;                   ///< [H, W] at the layer's resolution, after the method's ReLU, unnormalised
  Tensor signed_map;            ///< [H, W] before that ReLU: below zero lies the evidence against the class
  std::string note;             ///< what a reader should know ("the map is zero everywhere: ..."); else empty
  /// What a method divided by to make its map, |y| for some: times this, maps of several classes are in one
  /// unit and can be compared.
  double divisor = 1;
  std::vector<LayerMap> fused;  ///< the layers of ExplainOptions::fuse, in order; else empty
  Tensor activation;            ///< [C, H, W] of the layer, with ExplainOptions::keep_activations; else empty
  Findings findings;            ///< what the method tells beside the map
  Timing milliseconds;
};

/// What a method costs with one model, for one class: counted, as direct kernels multiply; about that much
/// where a method goes on until it is sure.
struct MethodCost {
  std::string id;
  bool fits = true;                ///< false: the method cannot explain this layer of this network
  std::int64_t multiply_adds = 0;  ///< the forward pass included
  double forward_passes = 0;       ///< the same in forward passes
};
/// One for each of methods(), in order, at the options' layer for a photo of the model's size. Throws
/// UsageError for a layer that cannot be explained.
std::vector<MethodCost> method_costs(const Model& model, const ExplainOptions& options = {});

/// What to explain instead of all that an Explainer's options name.
struct Selection {
  std::vector<std::string> methods{};   ///< of those in the options; empty: all of them
  std::vector<std::int64_t> classes{};  ///< indices; empty: the options' classes
};

/// Explains photos with one model: compiles once for an input shape, then serves any number of
/// pictures. Not for concurrent use; make one a thread (models are shared, copies are cheap).
class Explainer {
 public:
  /// Throws UsageError for an unknown method, layer or class.
  explicit Explainer(Model model, ExplainOptions options = {});
  Explainer(Explainer&&) noexcept;
  Explainer& operator=(Explainer&&) noexcept;
  ~Explainer();

  /// One explanation for each method x class, methods outermost.
  std::vector<Explanation> explain(const Image& photo, const Progress& progress = {});
  /// The same for a normalised input [1, 3, H, W] or [3, H, W] of any size the network takes.
  std::vector<Explanation> explain(const Tensor& input, const Progress& progress = {});
  /// The same for some of the methods and for any classes. The input's size is its own, whatever
  /// ExplainOptions::size says. Throws UsageError for a method that the options do not name, or no such
  /// class.
  std::vector<Explanation> explain(const Tensor& input, const Selection& selection,
                                   const Progress& progress = {});

  /// Runs photos' inputs for their logits alone, on the weights that explanations of photos are compiled to:
  /// see Batch::within.
  Batch batch(std::uint64_t bytes, std::int64_t most);

  /// As photos are shown to it: with ExplainOptions::size, where that was given.
  const Model& model() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The best `count` classes of a row of logits, best first (ties: the lower index).
std::vector<ClassScore> top_classes(const Model& model, std::span<const float> logits, int count);

/// What the --class words mean for these logits, without repeats, in order. Throws UsageError for an unknown
/// or ambiguous label, naming the candidates.
std::vector<ClassScore> resolve_classes(const Model& model, std::span<const float> logits,
                                        std::span<const std::string> words);

}  // namespace ablaze
