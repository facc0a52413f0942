#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/image.hpp>
#include <ablaze/model.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/rectangle.hpp>

// What a heatmap is worth, in numbers: the metrics of the field, one photo at a time. Formulas, sources and
// what was settled where papers leave it open: src/evaluate/README.md.

namespace ablaze {

/// A metric as `ablaze evaluate` lists it.
struct MetricInfo {
  std::string id;       ///< "insertion"
  std::string name;     ///< "Insertion"
  std::string summary;  ///< one sentence
  std::string paper;    ///< authors, title, venue, year
  std::string unit;     ///< "%" for values from 0 to 100; empty for a plain number
  bool higher_is_better = true;
  bool needs_boxes = false;          ///< photos without boxes have no value
  bool needs_probabilities = false;  ///< not for models whose outputs are none
};
/// average-drop increase average-gain insertion deletion adcc coherency complexity pointing-game
/// energy-pointing-game randomization
std::span<const MetricInfo> metrics();

/// An image without the object, in place of the photo.
enum class Baseline {
  mean,   ///< the colour that the network's preprocessing subtracts: zeros after it
  black,  ///< zeros before it
  blur,   ///< the photo blurred, see EvaluateOptions::blur_window
};
std::string to_string(Baseline baseline);        ///< "mean", "black" or "blur"
Baseline parse_baseline(std::string_view name);  ///< Throws UsageError

struct EvaluateOptions {
  /// Ids of metrics(), each once; the values come in this order.
  std::vector<std::string> metrics{"average-drop", "increase", "insertion", "deletion"};
  /// Insertion and deletion: in how many steps of equal size pixels are put in or taken away; the curve has
  /// one point more.
  int steps = 50;
  Baseline insertion = Baseline::blur;  ///< what insertion starts from
  Baseline deletion = Baseline::mean;   ///< what deletion ends at
  Baseline masked = Baseline::mean;     ///< what shows where a map hides the photo
  /// Baseline::blur: side of the Gaussian's window (odd) and its standard deviation, in pixels of the
  /// network's input.
  int blur_window = 11;
  double blur_sigma = 5;
  /// The pointing game's: so far beside a box, in pixels of the photo, still hits.
  double tolerance = 15;
  /// The label that a photo comes with is explained and scored, not the class that the network puts first. A
  /// photo without a label is an error then.
  bool of_label = false;
  /// Explanation::signed_map is judged, the map before its ReLU, in place of Explanation::map: what speaks
  /// against the class ranks below what says nothing.
  bool signed_maps = false;
  std::uint64_t seed = 0;  ///< randomization: what re-drawn weights start from
};

/// One photo, method and metric.
struct Measurement {
  std::string method, metric;  ///< ids
  double value = 0;            ///< always finite, in MetricInfo::unit
  /// insertion, deletion: the class's probability at each step, from none to all; average-drop, increase and
  /// average-gain: that of the photo, then that of the masked one; randomization: the rank correlation after
  /// each of Evaluator::randomization_stages().
  std::vector<double> curve;
  std::string note;  ///< what a reader should know ("the map is flat: ..."); else empty
};

/// All measurements of one photo.
struct PhotoMeasurements {
  ClassScore target;  ///< the class that was explained, with its scores for the unchanged photo
  std::vector<Measurement> measurements;  ///< one for each method x metric, methods outermost
};

/// Measures what explanations of photos are worth: compiles once, then serves any number of photos. What it
/// says about a photo depends on the options and that photo alone, not on threads or on photos before it. Not
/// for concurrent use.
class Evaluator {
 public:
  /// ExplainOptions::classes are ignored: see EvaluateOptions::of_label. Throws UsageError for an unknown
  /// method, metric or layer, or options out of range.
  Evaluator(Model model, ExplainOptions explain, EvaluateOptions options);
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;
  ~Evaluator();

  /// boxes: where the object is, in pixels of the photo as it is loaded (upright); metrics that need boxes
  /// have no measurement without one. Progress is in inputs shown to the network. Throws Error for a box
  /// without pixels, or beyond the photo.
  PhotoMeasurements measure(const Image& photo, std::optional<std::int64_t> label,
                            std::span<const PixelRectangle> boxes, const Progress& progress = {});

  /// Which layers randomization re-draws, the top first: each stage keeps what those before it re-drew.
  std::span<const std::string> randomization_stages() const;

  const Model& model() const;
  const EvaluateOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ablaze
