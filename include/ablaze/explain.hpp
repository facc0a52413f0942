#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/execution.hpp>
#include <ablaze/image.hpp>
#include <ablaze/methods.hpp>
#include <ablaze/model.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/rectangle.hpp>
#include <ablaze/scores.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze {

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
  /// Several layers whose maps become one, at the finest one's resolution; leave `layer` empty then.
  std::vector<std::string> fuse{};
  Fusion fusion = Fusion::mean;
  Smoothing smooth{};
  /// Photos are shown to the network this many pixels wide and high instead of the model's crop, the same
  /// part of them: the maps are finer. 0: the model's crop. The network must be convolutional up to a pool
  /// that takes any size, and sees its objects larger than in training.
  int size = 0;
  Execution execution{};
  bool keep_activations = false;  ///< fill LayerAttribution::activation
};

/// Times of one explanation, in milliseconds. What several explanations share (the input, the forward pass, a
/// method's work for all its classes) is reported whole in each of them; compiling the network is in none.
struct Timing {
  double load = 0;     ///< from the photo to the network's input; a caller adds its own reading and decoding
  double forward = 0;  ///< one pass of the network
  double attribution = 0;  ///< the method, for all classes of the call
  double render = 0;       ///< the caller's drawing and writing; 0 as it leaves here
};

/// One layer's part in an explanation.
struct LayerAttribution {
  std::string layer;            ///< as asked for
  Shape layer_shape;            ///< [C, H, W]
  std::vector<double> drops;    ///< [C] y - y_k; empty where the method has none
  std::vector<double> weights;  ///< [C]; empty where the method has none
  Tensor map, signed_map;       ///< [H, W], see Explanation; of this layer alone
  std::string note;             ///< on this layer's map; else empty
  Findings findings;
  Tensor activation;  ///< [C, H, W], with ExplainOptions::keep_activations; else empty
};

/// One method's explanation of one class.
struct Explanation {
  std::string method;  ///< id
  ClassScore target;
  std::vector<ClassScore> top;           ///< the five best classes, best first
  std::vector<LayerAttribution> layers;  ///< one; or those of ExplainOptions::fuse, in order
  Tensor map;         ///< [H, W] at the (finest) layer's resolution, after the method's ReLU, unnormalised
  Tensor signed_map;  ///< [H, W] before that ReLU: below zero lies the evidence against the class
  std::string note;   ///< what a reader should know ("the map is zero everywhere: ..."); else empty
  /// The number that a method divided by to make its map, |y| for some: multiplied by it, maps of several
  /// classes are in one unit and can be compared.
  double divisor = 1;
  /// The classes that the class was compared with: Finer-CAM's similar classes, or the other class of a
  /// margin.
  std::vector<std::int64_t> against;
  Rectangle seen;  ///< the part of the photo that the network saw; of a tensor, all of it
  std::shared_ptr<const Tensor> input;  ///< [1, 3, H, W], normalised: what the network saw
  Timing milliseconds;

  std::string layer_names() const;  ///< "layer4"; of several "layer3,layer4"
  Shape layer_shape() const;        ///< [C, H, W]: the channels of all layers, the size of the map
};

/// The cost of a method with one model, for one class: counted, as direct kernels multiply; an estimate where
/// a method goes on until it is sure.
struct MethodCost {
  std::string id;
  bool fits = true;                ///< false: the method cannot explain this layer of this network
  std::int64_t multiply_adds = 0;  ///< the forward pass included
  double forward_passes = 0;       ///< the same in forward passes
};
/// One for each of methods(), in order, at the options' layer for a photo of the model's size. Throws
/// UsageError for a layer that cannot be explained.
std::vector<MethodCost> method_costs(const Model& model, const ExplainOptions& options = {});

/// A selection of what an Explainer's options name.
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
  /// The same for several photos, in their order; progress is over all of them. A photo's explanations do not
  /// depend on the other photos of the call.
  std::vector<std::vector<Explanation>> explain(std::span<const Image> photos, const Progress& progress = {});
  /// The same for a normalised input [1, 3, H, W] or [3, H, W] of any size the network takes.
  std::vector<Explanation> explain(const Tensor& input, const Progress& progress = {});
  /// The same for some of the methods and for any classes. The input's size is its own, whatever
  /// ExplainOptions::size says. Throws UsageError for a method that the options do not name, or no such
  /// class.
  std::vector<Explanation> explain(const Tensor& input, const Selection& selection,
                                   const Progress& progress = {});

  /// Runs inputs of photos for their logits alone, with the weights that explanations of photos use: see
  /// Batch::within.
  Batch batch(std::uint64_t bytes, std::int64_t most);

  /// With ExplainOptions::size in its preprocessing, where that was given.
  const Model& model() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The best `count` classes of a row of logits, best first (ties: the lower index).
std::vector<ClassScore> top_classes(const Model& model, std::span<const float> logits, int count);

/// The classes that the --class words name for these logits, without repeats, in order. Throws UsageError for
/// an unknown or ambiguous label, naming the candidates.
std::vector<ClassScore> resolve_classes(const Model& model, std::span<const float> logits,
                                        std::span<const std::string> words);

}  // namespace ablaze
