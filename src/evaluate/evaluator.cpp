#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/evaluate.hpp>

#include "evaluate/baselines.hpp"
#include "evaluate/boxes.hpp"
#include "evaluate/formulas.hpp"
#include "evaluate/metrics.hpp"
#include "evaluate/perturbation.hpp"
#include "evaluate/probes.hpp"
#include "evaluate/randomisation.hpp"
#include "explain/options.hpp"
#include "threads/threads.hpp"

namespace ablaze {
namespace {

using evaluate::Metric;

constexpr std::uint64_t kMaxBatchBytes = std::uint64_t{192} << 20;
constexpr std::int64_t kMaxBatch = 16;
constexpr int kMaxSteps = 10'000;
constexpr int kMaxWindow = 1'001;
/// Winograd packs a 3x3 convolution's weights in four times their bytes, and gradients pack them again.
constexpr std::size_t kMaxPackedGrowth = 6;

void check(const EvaluateOptions& options) {
  if (options.metrics.empty()) throw UsageError("no metric to measure: give one, for example insertion");
  if (options.steps < 1 || options.steps > kMaxSteps)
    throw UsageError("expected 1 to " + std::to_string(kMaxSteps) +
                     " steps of insertion and deletion, found " + std::to_string(options.steps));
  if (options.blur_window < 1 || options.blur_window > kMaxWindow || options.blur_window % 2 == 0)
    throw UsageError("expected an odd blur window from 1 to " + std::to_string(kMaxWindow) +
                     " pixels, found " + std::to_string(options.blur_window));
  if (!(options.blur_sigma > 0 && options.blur_sigma <= kMaxWindow))
    throw UsageError("expected a blur sigma above 0 and up to " + std::to_string(kMaxWindow) +
                     " pixels, found " + std::to_string(options.blur_sigma));
  if (!(options.tolerance >= 0 && std::isfinite(options.tolerance)))
    throw UsageError("expected a tolerance of at least 0 pixels, found " + std::to_string(options.tolerance));
}

void require_probabilities(const Model& model, std::span<const Metric> metrics) {
  for (const Metric metric : metrics) {
    const MetricInfo& info = evaluate::info_of(metric);
    if (!info.needs_probabilities || model.activation != Activation::none) continue;
    throw UsageError("metric " + info.id +
                     " needs probabilities, but the model's outputs are not (its head has " +
                     "no activation): remove it");
  }
}

ExplainOptions with_classes(ExplainOptions options) {
  options.classes = {"top1"};
  options.keep_activations = false;
  return options;
}

/// Reports progress in probes.
class Counter {
 public:
  Counter(const Progress& progress, std::size_t total)
      : progress_(progress), total_(static_cast<std::int64_t>(total)) {
    report();
  }
  /// Reports `done` of the probes that the next `finish` will count.
  void advance_to(std::int64_t done) const {
    if (progress_ && !progress_(finished_ + done, total_)) throw Cancelled();
  }
  void finish(std::int64_t probes) {
    finished_ += probes;
    report();
  }
  /// A Progress for work that is not counted in probes: allows cancellation only.
  Progress within() const {
    if (!progress_) return {};
    return [this](std::int64_t, std::int64_t) { return progress_(finished_, total_); };
  }

 private:
  void report() const { advance_to(0); }
  const Progress& progress_;
  std::int64_t total_, finished_ = 0;
};

/// All data of one photo.
struct PhotoState {
  std::span<const PixelRectangle> boxes;
  Rectangle seen;  ///< the part that the network sees
  ClassScore target;
  std::vector<Explanation> explanations;  ///< by method, like all below
  evaluate::ProbeInputs inputs;
  std::vector<double> shown;                     ///< the class's probability, per probe
  std::vector<std::optional<double>> agreement;  ///< correlation of the masked photo's map with the photo's
  std::vector<std::vector<std::optional<double>>>
      correlations;  ///< with the randomised networks' maps, by stage
};

constexpr double kPercent = 100;

void append(std::string& note, const std::string& sentence) {
  if (sentence.empty()) return;
  note += (note.empty() ? "" : "; ") + sentence;
}

/// The note for a constant map, per metric.
std::string note_on_flat(Metric metric) {
  switch (metric) {
    case Metric::average_drop:
    case Metric::increase:
    case Metric::average_gain:
      return "the map is flat: as a mask it hides the whole photo";
    case Metric::insertion:
    case Metric::deletion:
      return "the map is flat: pixels come in reading order";
    case Metric::adcc:
      return "the map is flat: it hides the whole photo, and agrees with nothing";
    case Metric::coherency:
    case Metric::randomization:
      return "the map is flat: it agrees with nothing, counted as no correlation";
    case Metric::complexity:
      return "the map is flat: counted as zeros";
    case Metric::pointing_game:
    case Metric::energy_pointing_game:
      return "the map is flat: it points at no place, counted as a miss";
  }
  return {};
}

}  // namespace

struct Evaluator::Impl {
  EvaluateOptions options;
  ExplainOptions explain_options;
  std::vector<Metric> metrics;
  Explainer explainer;
  Execution execution;
  evaluate::Plan plan;
  std::optional<Batch> batch;
  std::vector<evaluate::Stage> stages;
  std::vector<std::string> stage_names;
  std::vector<std::optional<Explainer>> randomised;  // by stage; only as many as fit in memory

  Impl(Model the_model, ExplainOptions explain, EvaluateOptions the_options)
      : options(std::move(the_options)),
        explain_options(with_classes(std::move(explain))),
        metrics(evaluate::metrics_named(options.metrics)),
        explainer(std::move(the_model), explain_options),
        execution(explain_options.execution) {
    check(options);
    require_probabilities(model(), metrics);
    const std::size_t methods = explain::methods_named(explain_options.methods).size();
    plan = evaluate::plan_probes(metrics, methods, options);
    if (!plan.probes.empty())
      batch =
          explainer.batch(kMaxBatchBytes, std::min(kMaxBatch, static_cast<std::int64_t>(plan.probes.size())));
    if (measures(Metric::randomization)) prepare_stages();
  }

  const Model& model() const { return explainer.model(); }
  bool measures(Metric metric) const { return std::ranges::find(metrics, metric) != metrics.end(); }
  const Tensor& judged(const Explanation& e) const { return options.signed_maps ? e.signed_map : e.map; }
  bool needs_agreement() const { return measures(Metric::coherency) || measures(Metric::adcc); }

  void prepare_stages() {
    stages = evaluate::stages_of(model().graph);
    for (const evaluate::Stage& stage : stages) stage_names.push_back(stage.name);
    randomised.resize(stages.size());
  }

  // The photo, its maps, and the network's scores of its probes.

  PhotoMeasurements measure(const Image& photo, std::optional<std::int64_t> label,
                            std::span<const PixelRectangle> boxes, const Progress& progress) {
    evaluate::require_inside(boxes, photo);
    PhotoState e;
    e.boxes = boxes;
    e.seen = crop_rectangle(photo.width(), photo.height(), model().preprocess);
    e.inputs.photo = preprocess(photo, model().preprocess);
    const std::size_t methods = plan.methods.size();
    Counter counter(progress, plan.probes.size() + (needs_agreement() ? methods : 0) + stages.size());
    explain(e, label, counter);
    prepare_inputs(e);
    if (batch) show(e, counter);
    if (needs_agreement()) explain_masked(e, counter);
    explain_randomised(e, counter);
    return {e.target, measurements(e)};
  }

  void explain(PhotoState& e, std::optional<std::int64_t> label, const Counter& counter) {
    Selection selection;
    if (options.of_label) {
      if (!label)
        throw Error(
            "expected a label for each photo to explain, but this photo has none: add it, or explain the top "
            "class");
      selection.classes = {*label};
    }
    e.explanations = explainer.explain(e.inputs.photo, selection, counter.within());
    e.target = e.explanations.front().target;
  }

  void prepare_inputs(PhotoState& e) const {
    const bool ordered = measures(Metric::insertion) || measures(Metric::deletion);
    const std::int64_t height = e.inputs.photo.dim(2), width = e.inputs.photo.dim(3);
    e.inputs.maps.resize(e.explanations.size());
    threads::for_each(execution, std::ssize(e.explanations), [&](std::int64_t m) {
      evaluate::ScaledMap& map = e.inputs.maps[m];
      map.mask = evaluate::mask_of(judged(e.explanations[m]), height, width);
      map.flat = evaluate::is_flat(map.mask);
      if (ordered) map.turns = evaluate::turns(map.mask, options.steps);
    });
    for (const Baseline used : {options.insertion, options.deletion, options.masked}) {
      Tensor& probe = e.inputs.baselines[static_cast<std::size_t>(used)];
      if (probe.size() == 0)
        probe = evaluate::baseline_image(used, e.inputs.photo, model().preprocess, options);
    }
  }

  void show(PhotoState& e, Counter& counter) {
    e.shown = evaluate::run_probes(plan.probes, e.inputs, *batch, execution, e.target.index,
                                   model().activation, [&](std::int64_t done) { counter.advance_to(done); });
    counter.finish(static_cast<std::int64_t>(plan.probes.size()));
  }

  /// Explains the photo masked by each method's map.
  void explain_masked(PhotoState& e, Counter& counter) {
    Tensor masked(e.inputs.photo.shape());
    for (std::size_t m = 0; m < e.explanations.size(); ++m) {
      const evaluate::ScaledMap& map = e.inputs.maps[m];
      evaluate::write_probe({evaluate::Probe::Kind::masked, options.masked, m}, e.inputs, masked.values());
      const auto again =
          explainer.explain(masked, {{e.explanations[m].method}, {e.target.index}}, counter.within());
      const Tensor mask = evaluate::mask_of(judged(again.front()), masked.dim(2), masked.dim(3));
      e.agreement.push_back(evaluate::pearson(map.mask.values(), mask.values()));
      counter.finish(1);
    }
  }

  /// Explains the photo with the network randomised down to each stage.
  void explain_randomised(PhotoState& e, Counter& counter) {
    e.correlations.resize(e.explanations.size());
    for (std::size_t stage = 0; stage < stages.size(); ++stage) {
      const auto anew = explain_at(stage, e, counter.within());
      for (std::size_t m = 0; m < anew.size(); ++m)
        e.correlations[m].push_back(
            evaluate::spearman(judged(e.explanations[m]).values(), judged(anew[m]).values()));
      counter.finish(1);
    }
  }

  std::vector<Explanation> explain_at(std::size_t stage, const PhotoState& e, const Progress& progress) {
    std::optional<Explainer> own;
    std::optional<Explainer>& network = keeps(stage) ? randomised[stage] : own;
    if (!network) {
      Model changed = model();
      changed.graph = evaluate::randomised(changed.graph, std::span(stages).first(stage + 1), options.seed);
      network.emplace(std::move(changed), explain_options);
    }
    return network->explain(e.inputs.photo, {{}, {e.target.index}}, progress);
  }

  /// Whether to keep a stage's compiled network for the next photo: the kept ones use up to half the memory
  /// limit.
  bool keeps(std::size_t stage) const {
    std::uint64_t weights = 0;
    for (const Node& node : model().graph.nodes())
      weights += static_cast<std::uint64_t>(parameter_count(node));
    const std::uint64_t bytes = weights * sizeof(float) * kMaxPackedGrowth;
    return (stage + 1) * bytes <= explain_options.execution.memory_limit / 2;
  }

  // The measurements.

  std::vector<Measurement> measurements(const PhotoState& e) const {
    std::vector<Measurement> all;
    for (std::size_t m = 0; m < e.explanations.size(); ++m) {
      for (const Metric metric : metrics) {
        if (evaluate::info_of(metric).needs_boxes && e.boxes.empty()) continue;
        Measurement out{.method = e.explanations[m].method,
                        .metric = evaluate::info_of(metric).id,
                        .value = 0,
                        .curve = {},
                        .note = {}};
        if (e.inputs.maps[m].flat) append(out.note, note_on_flat(metric));
        measure(metric, e, m, out);
        all.push_back(std::move(out));
      }
    }
    return all;
  }

  void measure(Metric metric, const PhotoState& e, std::size_t m, Measurement& out) const {
    switch (metric) {
      case Metric::average_drop:
      case Metric::increase:
      case Metric::average_gain:
        return measure_masked(metric, e, m, out);
      case Metric::insertion:
        return measure_curve(plan.methods[m].insertion, e, out);
      case Metric::deletion:
        return measure_curve(plan.methods[m].deletion, e, out);
      case Metric::adcc:
        return measure_adcc(e, m, out);
      case Metric::coherency:
        out.value = coherency(e, m);
        return;
      case Metric::complexity:
        out.value = evaluate::complexity(e.inputs.maps[m].mask.values());
        return;
      case Metric::pointing_game:
        return measure_pointing(e, m, out);
      case Metric::energy_pointing_game:
        return measure_energy(e, m, out);
      case Metric::randomization:
        return measure_randomization(e, m, out);
    }
  }

  void measure_masked(Metric metric, const PhotoState& e, std::size_t m, Measurement& out) const {
    const double y = e.shown[plan.photo], o = e.shown[plan.methods[m].masked];
    out.curve = {y, o};
    if (metric == Metric::increase) {
      out.value = o > y ? kPercent : 0;
    } else if (metric == Metric::average_drop) {
      out.value = kPercent * evaluate::average_drop(y, o);
      if (y == 0) append(out.note, "the photo's own probability is 0: there is nothing to lose");
    } else {
      out.value = kPercent * evaluate::average_gain(y, o);
      if (y == 1) append(out.note, "the photo's own probability is 1: there is nothing to gain");
    }
  }

  static void measure_curve(std::span<const std::size_t> points, const PhotoState& e, Measurement& out) {
    for (const std::size_t probe : points) out.curve.push_back(e.shown[probe]);
    out.value = evaluate::area_under(out.curve);
  }

  /// Pearson's correlation, mapped from [-1, 1] to [0, 1].
  static double coherency(const PhotoState& e, std::size_t m) { return (1 + e.agreement[m].value_or(0)) / 2; }

  void measure_adcc(const PhotoState& e, std::size_t m, Measurement& out) const {
    const double drop = evaluate::average_drop(e.shown[plan.photo], e.shown[plan.methods[m].masked]);
    out.value = evaluate::adcc(coherency(e, m), evaluate::complexity(e.inputs.maps[m].mask.values()), drop);
  }

  void measure_pointing(const PhotoState& e, std::size_t m, Measurement& out) const {
    if (e.inputs.maps[m].flat) return;
    const evaluate::Point highest = evaluate::summit(e.inputs.maps[m].mask, e.seen);
    out.value = evaluate::distance(highest, e.boxes) <= options.tolerance ? kPercent : 0;
  }

  static void measure_energy(const PhotoState& e, std::size_t m, Measurement& out) {
    const evaluate::Energy energy = evaluate::energy_inside(e.inputs.maps[m].mask, e.boxes, e.seen);
    out.value = kPercent * energy.share;
    if (energy.pixels == 0) append(out.note, "no box lies in the part of the photo that the network sees");
  }

  /// The mean over the stages: how similar the map stays.
  void measure_randomization(const PhotoState& e, std::size_t m, Measurement& out) const {
    if (stages.empty()) {
      append(out.note, "the network has no weights to draw anew");
      return;
    }
    double sum = 0;
    std::size_t flat = 0;
    for (const std::optional<double>& r : e.correlations[m]) {
      flat += r ? 0 : 1;
      out.curve.push_back(r.value_or(0));
      sum += out.curve.back();
    }
    out.value = sum / static_cast<double>(stages.size());
    if (flat > 0 && !e.inputs.maps[m].flat)
      append(out.note, "flat after " + std::to_string(flat) + " of " + std::to_string(stages.size()) +
                           " stages, counted as no correlation");
  }
};

Evaluator::Evaluator(Model model, ExplainOptions explain, EvaluateOptions options)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(explain), std::move(options))) {}
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;
Evaluator::~Evaluator() = default;

PhotoMeasurements Evaluator::measure(const Image& photo, std::optional<std::int64_t> label,
                                     std::span<const PixelRectangle> boxes, const Progress& progress) {
  return impl_->measure(photo, label, boxes, progress);
}

std::span<const std::string> Evaluator::randomization_stages() const { return impl_->stage_names; }
const Model& Evaluator::model() const { return impl_->model(); }
const EvaluateOptions& Evaluator::options() const { return impl_->options; }

}  // namespace ablaze
