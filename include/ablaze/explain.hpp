#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/image.hpp>
#include <ablaze/method_options.hpp>
#include <ablaze/model.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/session.hpp>
#include <ablaze/tensor.hpp>

namespace ablaze {

/// A CAM method as `ablaze methods` lists it.
struct MethodInfo {
  std::string id;       ///< "ablation"
  std::string name;     ///< "Ablation-CAM"
  std::string summary;  ///< one sentence
  std::string paper;    ///< authors, title, venue, year
  bool needs_gradients = false;
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
  Ablation ablate{};
  MethodOptions method{};
  int threads = 0;
  Isa isa = Isa::automatic;
  bool winograd = true;
  std::size_t memory_limit = std::size_t{4} << 30;
};

/// Times of one explanation, in milliseconds. What several explanations share (the input, the forward pass, a
/// method's work for all its classes) is reported whole in each of them; compiling the network is in none.
struct Timing {
  double load = 0;     ///< from the photo to the network's input; a caller adds its own reading and decoding
  double forward = 0;  ///< one pass of the network
  double attribution = 0;  ///< the method, for all classes of the call
  double render = 0;       ///< the caller's drawing and writing; 0 as it leaves here
};

/// One input, method and class.
struct Explanation {
  std::string method;  ///< id
  std::string layer;   ///< as asked for
  Shape layer_shape;   ///< [C, H, W]
  ClassScore target;
  std::vector<ClassScore> top;  ///< the five best classes, best first
  std::vector<double> drops;    ///< [C] y - y_k; empty where the method has none
  std::vector<double> weights;  ///< [C]; empty where the method has none
  Tensor map;                   ///< [H, W] at the layer's resolution, after the method's ReLU, unnormalised
  Tensor signed_map;            ///< [H, W] before that ReLU: below zero lies the evidence against the class
  std::string note;             ///< what a reader should know ("the map is zero everywhere: ..."); else empty
  Timing milliseconds;
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
