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

constexpr int kClassesReported = 5;

/// A mask is made for one layer, [1, C, H, W], at one input size. Another size is an error; masks are not
/// resized.
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

}  // namespace

std::string Explanation::layer_names() const {
  std::string names;
  for (const LayerAttribution& layer : layers) names += (names.empty() ? "" : ",") + layer.layer;
  return names;
}

Shape Explanation::layer_shape() const {
  std::int64_t channels = 0;
  for (const LayerAttribution& layer : layers) channels += layer.layer_shape.at(0);
  return {channels, map.dim(0), map.dim(1)};
}

std::vector<MethodCost> method_costs(const Model& model, const ExplainOptions& options) {
  const std::vector<std::string> layers = explain::explainable_layers(model, options);
  const std::string& layer = layers.front();
  SessionOptions session_setup = session_options(options, layers);
  session_setup.input = model.input_shape();
  const Session session(model.graph, session_setup);
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

  explain::ExplainRequest request(std::span<const cam::Method* const> selected) const {
    return {model.graph, selected, layers, options};
  }

  /// The selected methods; all if the selection is empty.
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

  /// An input as a network takes it.
  struct Input {
    std::shared_ptr<const Tensor> tensor;  ///< [1, 3, H, W]
    Rectangle seen;                        ///< see Explanation
    double load = 0;                       ///< milliseconds
  };

  Input input_of(const Image& photo) const {
    const base::Stopwatch load;
    auto tensor = std::make_shared<const Tensor>(preprocess(photo, model.preprocess));
    return {std::move(tensor), crop_rectangle(photo.width(), photo.height(), model.preprocess),
            load.milliseconds()};
  }

  Input input_of(const Tensor& tensor) const {
    const base::Stopwatch load;
    auto single = std::make_shared<const Tensor>(explain::as_single_input(tensor, model.input_shape()[1]));
    const Rectangle all{0, 0, static_cast<double>(single->dim(3)), static_cast<double>(single->dim(2))};
    return {std::move(single), all, load.milliseconds()};
  }

  /// The part of a run that all methods and classes share.
  struct Run {
    std::shared_ptr<const Tensor> input;
    Rectangle seen;
    const Trace* trace = nullptr;
    std::vector<ClassScore> targets, top;
    std::vector<Tensor> activations;  // [C, H, W] of each layer, if kept
    Timing milliseconds;
  };

  Run run(const explain::ExplainRequest& request, std::span<const explain::ClassRequest> wanted,
          Input input) {
    Run out;
    out.input = std::move(input.tensor);
    out.seen = input.seen;
    explain::Compiled& compiled = sessions.at(out.input->shape());
    for (const std::string& layer : layers)
      require_fitting_mask(options.ablate, layer, compiled.session().layer_shape(layer));

    explain::prepare(request, compiled.session());
    out.milliseconds.load = input.load;
    const base::Stopwatch forward;
    out.trace = &compiled.run(*out.input);
    out.milliseconds.forward = forward.milliseconds();

    const Tensor logits = out.trace->logits();
    require_finite(logits);
    out.targets = explain::answer_requests(model, logits.values(), wanted);
    out.top = top_classes(model, logits.values(), kClassesReported);
    if (options.keep_activations) {
      for (const std::string& layer : layers) out.activations.push_back(activation_of(*out.trace, layer));
    }
    return out;
  }

  /// [C, H, W]
  static Tensor activation_of(const Trace& trace, const std::string& layer) {
    const Tensor batch = trace.activation(layer);
    return batch.reshaped({batch.dim(1), batch.dim(2), batch.dim(3)});
  }

  /// The other class of a margin. A runner-up comes from the unmodified run and does not depend on later
  /// changes.
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

  Explanation explanation(const cam::Method& method, explain::Attribution attribution, const Run& run,
                          std::size_t target) const {
    Explanation out;
    out.method = std::string(method.id);
    out.target = run.targets[target];
    out.top = run.top;
    out.layers = std::move(attribution.layers);
    out.map = std::move(attribution.map);
    out.signed_map = std::move(attribution.signed_map);
    out.note = std::move(attribution.note);
    out.divisor = attribution.divisor;
    out.against = out.layers.front().findings.against;
    if (options.score == Score::Kind::margin && out.against.empty()) {
      out.against = {margin_against(out.target.index, run)};
      if (out.layers.size() == 1) out.layers.front().findings.against = out.against;
    }
    out.seen = run.seen;
    out.input = run.input;
    out.milliseconds = run.milliseconds;
    return out;
  }

  std::vector<Explanation> explain(Input input, const Selection& selection, const Progress& progress) {
    const auto selected = selected_methods(selection);
    const explain::ExplainRequest full_request = request(selected);
    const Run done = run(full_request, selected_classes(selection), std::move(input));
    auto attributions =
        explain::attribute(full_request, sessions, *done.input, *done.trace, targets_of(done), progress);
    std::vector<Explanation> all;
    for (std::size_t m = 0; m < selected.size(); ++m) {
      for (std::size_t i = 0; i < done.targets.size(); ++i) {
        all.push_back(explanation(*selected[m], std::move(attributions[m].classes[i]), done, i));
        all.back().milliseconds.attribution = attributions[m].milliseconds;
        for (std::size_t l = 0; l < done.activations.size(); ++l)
          all.back().layers[l].activation = done.activations[l];
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
  return impl_->explain(impl_->input_of(photo), {}, progress);
}

std::vector<std::vector<Explanation>> Explainer::explain(std::span<const Image> photos,
                                                         const Progress& progress) {
  std::vector<std::vector<Explanation>> all;
  for (const Image& photo : photos)
    all.push_back(explain(photo, explain::part_of(progress, all.size(), photos.size())));
  return all;
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
  return impl_->explain(impl_->input_of(input), selection, progress);
}

Batch Explainer::batch(std::uint64_t bytes, std::int64_t most) {
  const Session& session = impl_->sessions.at(impl_->model.input_shape()).session();
  return Batch::within(session, std::min<std::uint64_t>(bytes, impl_->options.execution.memory_limit), most);
}

const Model& Explainer::model() const { return impl_->model; }

}  // namespace ablaze
