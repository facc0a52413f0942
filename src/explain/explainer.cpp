#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/explain.hpp>

#include "base/text.hpp"
#include "cam/method.hpp"
#include "explain/class_words.hpp"
#include "explain/session_cache.hpp"

namespace ablaze {

namespace {

constexpr int classes_reported = 5;

class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

const cam::Method& method_named(const std::string& id) {
  if (const cam::Method* method = cam::find_method(id)) return *method;
  std::vector<std::string> known;
  for (const cam::Method* method : cam::methods()) known.emplace_back(method->id);
  throw UsageError("no method \"" + base::printable(id) + "\"" + base::did_you_mean(id, known) +
                   ": there is " + base::join(known));
}

std::vector<const cam::Method*> methods_named(const std::vector<std::string>& ids) {
  std::vector<const cam::Method*> chosen;
  for (const std::string& id : ids) {
    const cam::Method* method = &method_named(id);
    if (std::find(chosen.begin(), chosen.end(), method) == chosen.end()) chosen.push_back(method);
  }
  return chosen;
}

/// The layer to explain, checked as far as that goes without an input.
std::string explainable_layer(const Model& model, const std::string& wish) {
  const std::string layer = wish.empty() ? model.default_layer : wish;
  const auto node = static_cast<std::size_t>(model.graph.find(layer));
  const auto shapes = model.graph.infer_shapes(model.input_shape());
  if (shapes.at(node).size() != 4) {
    throw UsageError("layer " + base::printable(layer) + " has no height and width (its output is " +
                     to_string(shapes[node]) +
                     "), so there is nothing to draw a map on: choose a layer before " +
                     "the flattening, for example " + model.default_layer);
  }
  return layer;
}

void require_readable_score(const Model& model, Score::Kind kind) {
  if (kind == Score::Kind::probability && model.activation == Activation::none) {
    throw UsageError("the model's outputs are not probabilities (its head has no activation): use the logit");
  }
}

/// A mask is drawn for one layer, [C, H, W], at one input size; another is a mistake, never resized in
/// silence.
void require_fitting_mask(const Ablation& ablation, const std::string& layer, const Shape& layer_shape) {
  if (ablation.kind != Ablation::Kind::mask) return;
  const Shape expected{layer_shape.at(1), layer_shape.at(2)};
  if (ablation.mask.shape() != expected) {
    throw Error("the ablation mask is " + to_string(ablation.mask.shape()) + ", but layer " + layer + " is " +
                to_string(expected) + " (height x width) for this input: give a mask of that size");
  }
}

void require_finite(const Tensor& logits) {
  const auto values = logits.values();
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    throw Error(
        "the network's output is not finite for this input: the weights or the input hold values that are "
        "not finite, or too large");
  }
}

SessionOptions session_options(const ExplainOptions& options, const std::string& layer) {
  SessionOptions out;
  out.keep = {layer};
  out.threads = options.threads;
  out.isa = options.isa;
  out.winograd = options.winograd;
  out.memory_limit = options.memory_limit;
  return out;
}

std::vector<MethodInfo> list_methods() {
  std::vector<MethodInfo> list;
  for (const cam::Method* m : cam::methods()) {
    list.push_back({std::string(m->id), std::string(m->name), std::string(m->summary), std::string(m->paper),
                    m->needs_gradients});
  }
  return list;
}

/// Method `index` of `count` reports its part of the whole.
Progress part_of(const Progress& whole, std::size_t index, std::size_t count) {
  if (!whole) return {};
  const auto i = static_cast<std::int64_t>(index);
  const auto n = static_cast<std::int64_t>(count);
  return [&whole, i, n](std::int64_t done, std::int64_t total) { return whole(i * total + done, n * total); };
}

}  // namespace

std::span<const MethodInfo> methods() {
  static const std::vector<MethodInfo> list = list_methods();
  return list;
}

struct Explainer::Impl {
  Model model;
  ExplainOptions options;
  std::vector<const cam::Method*> methods;
  std::string layer;
  std::vector<explain::ClassRequest> requests;
  explain::SessionCache sessions;

  Impl(Model the_model, ExplainOptions the_options)
      : model(std::move(the_model)),
        options(std::move(the_options)),
        methods(methods_named(options.methods)),
        layer(explainable_layer(model, options.layer)),
        requests(explain::parse_class_words(model, options.classes)),
        sessions(model.graph, session_options(options, layer)) {
    require_readable_score(model, options.score);
    if (methods.empty()) throw UsageError("no method to explain with: name one, for example ablation");
    if (requests.empty()) throw UsageError("no class to explain: name one, for example top1");
  }

  /// The part that all methods and classes share.
  struct Run {
    Tensor input;
    explain::Compiled* compiled = nullptr;
    const Trace* trace = nullptr;
    Shape layer_shape;  // [C, H, W]
    std::vector<ClassScore> targets, top;
    Timing milliseconds;
  };

  Run run(Tensor input, double load) {
    Run out;
    out.input = std::move(input);
    out.compiled = &sessions.at(out.input.shape());
    const Shape shape = out.compiled->session().layer_shape(layer);
    out.layer_shape = {shape.at(1), shape.at(2), shape.at(3)};
    require_fitting_mask(options.ablate, layer, out.layer_shape);

    const bool ablates = std::ranges::any_of(methods, [](auto* m) { return m->id == "ablation"; });
    if (ablates) out.compiled->session().prepare_ablation(layer);
    out.milliseconds.load = load;
    const Stopwatch forward;
    out.trace = &out.compiled->run(out.input);
    out.milliseconds.forward = forward.milliseconds();

    const Tensor logits = out.trace->logits();
    require_finite(logits);
    out.targets = explain::answer_requests(model, logits.values(), requests);
    out.top = top_classes(model, logits.values(), classes_reported);
    return out;
  }

  std::vector<cam::Target> targets_of(const std::vector<ClassScore>& classes) const {
    std::vector<cam::Target> targets;
    for (const ClassScore& wanted : classes)
      targets.push_back({{{{options.score, wanted.index, model.activation}}}});
    return targets;
  }

  std::vector<Explanation> ask(const cam::Method& method, const Run& run, const Progress& progress) const {
    const auto targets = targets_of(run.targets);
    const Stopwatch attribution;
    auto answers = method.explain({.graph = model.graph,
                                   .session = run.compiled->session(),
                                   .input = run.input,
                                   .trace = *run.trace,
                                   .layer = layer,
                                   .targets = targets,
                                   .ablation = options.ablate,
                                   .options = options.method,
                                   .progress = progress});
    Timing milliseconds = run.milliseconds;
    milliseconds.attribution = attribution.milliseconds();

    std::vector<Explanation> out;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      cam::Answer& answer = answers[i];
      out.push_back({.method = std::string(method.id),
                     .layer = layer,
                     .layer_shape = run.layer_shape,
                     .target = run.targets[i],
                     .top = run.top,
                     .drops = std::move(answer.drops),
                     .weights = std::move(answer.weights),
                     .map = std::move(answer.map),
                     .signed_map = std::move(answer.signed_map),
                     .note = std::move(answer.note),
                     .milliseconds = milliseconds});
    }
    return out;
  }

  std::vector<Explanation> explain(Tensor input, double load, const Progress& progress) {
    const Run done = run(std::move(input), load);
    std::vector<Explanation> all;
    for (std::size_t i = 0; i < methods.size(); ++i) {
      auto some = ask(*methods[i], done, part_of(progress, i, methods.size()));
      std::move(some.begin(), some.end(), std::back_inserter(all));
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
  const Stopwatch load;
  Tensor input = preprocess(photo, impl_->model.preprocess);
  return impl_->explain(std::move(input), load.milliseconds(), progress);
}

std::vector<Explanation> Explainer::explain(const Tensor& input, const Progress& progress) {
  const Stopwatch load;
  Tensor single = explain::as_single_input(input);
  return impl_->explain(std::move(single), load.milliseconds(), progress);
}

const Model& Explainer::model() const { return impl_->model; }

}  // namespace ablaze
