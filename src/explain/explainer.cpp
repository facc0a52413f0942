#include <algorithm>
#include <cmath>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/explain.hpp>

#include "base/stopwatch.hpp"
#include "base/text.hpp"
#include "cam/method.hpp"
#include "explain/attribution.hpp"
#include "explain/class_words.hpp"
#include "explain/options.hpp"
#include "explain/session_cache.hpp"

namespace ablaze {

namespace {

constexpr int classes_reported = 5;

/// A mask is drawn for one layer, [1, C, H, W], at one input size; another is a mistake, never resized in
/// silence.
void require_fitting_mask(const Ablation& ablation, const std::string& layer, const Shape& layer_shape) {
  if (ablation.kind != Ablation::Kind::mask) return;
  const Shape expected{layer_shape.at(2), layer_shape.at(3)};
  if (ablation.mask.shape() != expected) {
    throw Error("the ablation mask is " + to_string(ablation.mask.shape()) + ", but layer " + layer + " is " +
                to_string(expected) + " (height x width) for this input: use a mask of that size");
  }
}

void require_finite(const Tensor& logits) {
  const auto values = logits.values();
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    throw Error(
        "the network's output is not finite for this input: values of the weights or the input are not "
        "finite, "
        "or too large");
  }
}

SessionOptions session_options(const ExplainOptions& options, const std::vector<std::string>& layers) {
  SessionOptions out;
  out.keep = layers;
  out.execution = options.execution;
  return out;
}

std::vector<MethodInfo> list_methods() {
  std::vector<MethodInfo> list;
  for (const cam::Method* m : cam::methods()) {
    list.push_back({.id = std::string(m->id),
                    .name = std::string(m->name),
                    .summary = std::string(m->summary),
                    .paper = std::string(m->paper),
                    .passes = std::string(m->passes),
                    .needs_gradients = m->needs_gradients,
                    .class_discriminative = m->class_discriminative});
  }
  return list;
}

std::string join_layers(const std::vector<LayerMap>& layers) {
  std::string names;
  for (const LayerMap& layer : layers) names += (names.empty() ? "" : ",") + layer.layer;
  return names;
}

/// All layers' channels, at the map's height and width.
Shape joint_shape(const explain::Attribution& answer) {
  std::int64_t channels = 0;
  for (const LayerMap& layer : answer.layers) channels += layer.layer_shape.at(0);
  return {channels, answer.map.dim(0), answer.map.dim(1)};
}

}  // namespace

std::span<const MethodInfo> methods() {
  static const std::vector<MethodInfo> list = list_methods();
  return list;
}

std::vector<MethodCost> method_costs(const Model& model, const ExplainOptions& options) {
  const std::vector<std::string> layers = explain::explainable_layers(model, options);
  const std::string& layer = layers.front();
  SessionOptions wish = session_options(options, layers);
  wish.input = model.input_shape();
  const Session session(model.graph, wish);
  const AblationPlan plan = session.plan_ablation(layer);
  const auto channels = static_cast<double>(plan.layer_shape.at(0));
  const double network = static_cast<double>(plan.rerun_network) / channels;
  const double tail = static_cast<double>(plan.rerun_tail) / channels;
  const double ablation = static_cast<double>(plan.multiply_adds) / channels;

  std::vector<MethodCost> costs;
  for (const cam::Method* m : cam::methods()) {
    const cam::Cost cost = m->cost(plan.layer_shape, options.method);
    const double sum =
        (1 + cost.networks) * network + (cost.tails + cost.gradients) * tail + cost.ablations * ablation;
    const bool fits = m->fits == nullptr || m->fits(model.graph, session, layer);
    costs.push_back({std::string(m->id), fits, std::llround(sum), network > 0 ? sum / network : 0});
  }
  return costs;
}

struct Explainer::Impl {
  Model model;
  ExplainOptions options;
  std::vector<const cam::Method*> methods;
  std::vector<std::string> layers;
  std::vector<explain::ClassRequest> requests;
  std::int64_t against;  ///< a margin's other class; -1: the runner-up
  explain::SessionCache sessions;

  Impl(Model the_model, ExplainOptions the_options)
      : model(explain::at_size(std::move(the_model), the_options.size)),
        options(std::move(the_options)),
        methods(explain::methods_named(options.methods)),
        layers(explain::explainable_layers(model, options)),
        requests(explain::parse_class_words(model, options.classes)),
        against(explain::other_class(model, options)),
        sessions(model.graph, session_options(options, layers), options.smooth.augment ? 3 : 2) {
    explain::require_readable_score(model, options.score);
    if (methods.empty()) throw UsageError("no method to explain with: give one, for example ablation");
    if (requests.empty()) throw UsageError("no class to explain: give one, for example top1");
    for (const explain::ClassRequest& request : requests) {
      if (request.index >= 0) require_another_class(request.index);
    }
  }

  explain::ExplainRequest request(std::span<const cam::Method* const> asked) const {
    return {model.graph, asked, layers, options};
  }

  /// The selected ones of the methods; all where none is named.
  std::vector<const cam::Method*> selected_methods(const Selection& selection) const {
    if (selection.methods.empty()) return methods;
    auto chosen = explain::methods_named(selection.methods);
    for (const cam::Method* method : chosen) {
      if (std::ranges::find(methods, method) == methods.end())
        throw UsageError("method " + std::string(method->id) +
                         " was not given to this explainer: create it with this method");
    }
    return chosen;
  }

  std::vector<explain::ClassRequest> selected_classes(const Selection& selection) const {
    if (selection.classes.empty()) return requests;
    std::vector<explain::ClassRequest> chosen;
    for (const std::int64_t index : selection.classes) {
      if (index < 0 || index >= model.class_count())
        throw UsageError("no class " + std::to_string(index) + ": the model has " +
                         std::to_string(model.class_count()) + " classes, counted from 0");
      chosen.push_back({.index = index});
    }
    return chosen;
  }

  void require_another_class(std::int64_t index) const {
    if (index != against) return;
    throw UsageError(
        "class " + base::printable(model.label(index)) +
        " has no margin to itself: remove it from the classes, or choose another class for the margin");
  }

  /// The part that all methods and classes share.
  struct Run {
    Tensor input;
    const Trace* trace = nullptr;
    std::vector<ClassScore> targets, top;
    Tensor activation;  // [C, H, W], where it is kept
    Timing milliseconds;
  };

  Run run(const explain::ExplainRequest& request, std::span<const explain::ClassRequest> wanted, Tensor input,
          double load) {
    Run out;
    out.input = std::move(input);
    explain::Compiled& compiled = sessions.at(out.input.shape());
    for (const std::string& layer : layers)
      require_fitting_mask(options.ablate, layer, compiled.session().layer_shape(layer));

    explain::prepare(request, compiled.session());
    out.milliseconds.load = load;
    const base::Stopwatch forward;
    out.trace = &compiled.run(out.input);
    out.milliseconds.forward = forward.milliseconds();

    const Tensor logits = out.trace->logits();
    require_finite(logits);
    out.targets = explain::answer_requests(model, logits.values(), wanted);
    out.top = top_classes(model, logits.values(), classes_reported);
    if (options.keep_activations) out.activation = activation_of(*out.trace);
    return out;
  }

  Tensor activation_of(const Trace& trace) const {
    if (layers.size() > 1) return Tensor();
    Tensor batch = trace.activation(layers.front());
    return batch.reshaped({batch.dim(1), batch.dim(2), batch.dim(3)});
  }

  /// The class that a margin sets another against. A runner-up is settled by the untouched run, whatever is
  /// changed later.
  std::int64_t margin_against(std::int64_t wanted, const Run& run) const {
    if (against >= 0) {
      require_another_class(wanted);
      return against;
    }
    const auto other = std::ranges::find_if(run.top, [&](auto& c) { return c.index != wanted; });
    if (other == run.top.end()) throw UsageError("the margin needs a network of at least two classes");
    return other->index;
  }

  std::vector<cam::Target> targets_of(const Run& run) const {
    std::vector<cam::Target> targets;
    for (const ClassScore& wanted : run.targets) {
      Score score{options.score, wanted.index, model.activation};
      if (score.kind == Score::Kind::margin) score.against = margin_against(wanted.index, run);
      targets.push_back({{{score}}});
    }
    return targets;
  }

  Explanation explanation(const cam::Method& method, explain::Attribution answer, const Run& run,
                          std::size_t target) const {
    Explanation out;
    out.method = std::string(method.id);
    out.layer = join_layers(answer.layers);
    out.layer_shape = joint_shape(answer);
    out.input_shape = run.input.shape();
    out.target = run.targets[target];
    out.top = run.top;
    out.map = std::move(answer.map);
    out.signed_map = std::move(answer.signed_map);
    out.note = std::move(answer.note);
    out.divisor = answer.divisor;
    out.activation = run.activation;
    out.milliseconds = run.milliseconds;
    if (answer.layers.size() > 1) {
      out.fused = std::move(answer.layers);
    } else {
      out.drops = std::move(answer.layers.front().drops);
      out.weights = std::move(answer.layers.front().weights);
      out.findings = std::move(answer.layers.front().findings);
    }
    if (options.score == Score::Kind::margin && out.findings.against.empty())
      out.findings.against = {margin_against(out.target.index, run)};
    return out;
  }

  std::vector<Explanation> explain(Tensor input, double load, const Selection& selection,
                                   const Progress& progress) {
    const auto asked = selected_methods(selection);
    const explain::ExplainRequest all_asked = request(asked);
    const Run done = run(all_asked, selected_classes(selection), std::move(input), load);
    auto answers =
        explain::attribute(all_asked, sessions, done.input, *done.trace, targets_of(done), progress);
    std::vector<Explanation> all;
    for (std::size_t m = 0; m < asked.size(); ++m) {
      for (std::size_t i = 0; i < done.targets.size(); ++i) {
        all.push_back(explanation(*asked[m], std::move(answers[m].classes[i]), done, i));
        all.back().milliseconds.attribution = answers[m].milliseconds;
      }
    }
    return all;
  }
};

Explainer::Explainer(Model model, ExplainOptions options)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(options))) {}
Explainer::Explainer(Explainer&&) noexcept = default;
Explainer& Explainer::operator=(Explainer&&) noexcept = default;
Explainer::~Explainer() = default;

std::vector<Explanation> Explainer::explain(const Image& photo, const Progress& progress) {
  const base::Stopwatch load;
  Tensor input = preprocess(photo, impl_->model.preprocess);
  return impl_->explain(std::move(input), load.milliseconds(), {}, progress);
}

std::vector<Explanation> Explainer::explain(const Tensor& input, const Progress& progress) {
  if (impl_->options.size != 0) {
    throw Error("found an input tensor of " + to_string(input.shape()) +
                ": another size applies to photos only; remove it, or give a photo");
  }
  return explain(input, Selection{}, progress);
}

std::vector<Explanation> Explainer::explain(const Tensor& input, const Selection& selection,
                                            const Progress& progress) {
  const base::Stopwatch load;
  Tensor single = explain::as_single_input(input);
  return impl_->explain(std::move(single), load.milliseconds(), selection, progress);
}

Batch Explainer::batch(std::uint64_t bytes, std::int64_t most) {
  const Session& session = impl_->sessions.at(impl_->model.input_shape()).session();
  return Batch::within(session, std::min<std::uint64_t>(bytes, impl_->options.execution.memory_limit), most);
}

const Model& Explainer::model() const { return impl_->model; }

}  // namespace ablaze
