#include "evaluate/probes.hpp"

#include <algorithm>
#include <cmath>

#include <ablaze/error.hpp>

#include "evaluate/perturbation.hpp"
#include "threads/threads.hpp"

namespace ablaze::evaluate {
namespace {

bool any_of(std::span<const Metric> metrics, std::initializer_list<Metric> wanted) {
  return std::ranges::any_of(metrics, [&](Metric m) { return std::ranges::find(wanted, m) != wanted.end(); });
}

std::size_t add(Plan& plan, const Probe& probe) {
  plan.probes.push_back(probe);
  return plan.probes.size() - 1;
}

/// A curve between two end probes that it shares with other curves.
std::vector<std::size_t> curve(Plan& plan, const Probe& step, int steps, std::size_t none, std::size_t all) {
  std::vector<std::size_t> points{none};
  for (int i = 1; i < steps; ++i) {
    Probe probe = step;
    probe.step = i;
    points.push_back(add(plan, probe));
  }
  points.push_back(all);
  return points;
}

double probability(std::span<const float> logits, std::int64_t index, Activation activation) {
  if (!std::ranges::all_of(logits, [](float v) { return std::isfinite(v); })) {
    throw Error(
        "the network's output is not finite for a masked photo: values of the weights are not finite, or too "
        "large");
  }
  return probabilities(logits, activation).at(index);
}

}  // namespace

Plan plan_probes(std::span<const Metric> metrics, std::size_t methods, const EvaluateOptions& options) {
  const bool insert = any_of(metrics, {Metric::insertion}), remove = any_of(metrics, {Metric::deletion});
  const bool mask =
      any_of(metrics, {Metric::average_drop, Metric::increase, Metric::average_gain, Metric::adcc});
  Plan plan;
  plan.methods.resize(methods);
  if (!insert && !remove && !mask) return plan;

  plan.photo = add(plan, {});
  std::size_t start = 0, end = 0;
  if (insert) start = end = add(plan, {.kind = Probe::Kind::baseline, .baseline = options.insertion});
  if (remove && !(insert && options.insertion == options.deletion))
    end = add(plan, {.kind = Probe::Kind::baseline, .baseline = options.deletion});
  for (std::size_t m = 0; m < methods; ++m) {
    Plan::Method& of = plan.methods[m];
    const Probe inserted{Probe::Kind::inserted, options.insertion, m},
        deleted{Probe::Kind::deleted, options.deletion, m};
    if (mask) of.masked = add(plan, {Probe::Kind::masked, options.masked, m});
    if (insert) of.insertion = curve(plan, inserted, options.steps, start, plan.photo);
    if (remove) of.deletion = curve(plan, deleted, options.steps, plan.photo, end);
  }
  return plan;
}

void write_probe(const Probe& probe, const ProbeInputs& inputs, std::span<float> to) {
  const auto photo = inputs.photo.values();
  const auto baseline = inputs.baselines[static_cast<std::size_t>(probe.baseline)].values();
  switch (probe.kind) {
    case Probe::Kind::photo:
      std::ranges::copy(photo, to.begin());
      break;
    case Probe::Kind::baseline:
      std::ranges::copy(baseline, to.begin());
      break;
    case Probe::Kind::masked:
      blend(inputs.maps[probe.method].mask.values(), photo, baseline, to);
      break;
    case Probe::Kind::inserted:
      mix(inputs.maps[probe.method].turns, probe.step, photo, baseline, to);
      break;
    case Probe::Kind::deleted:
      mix(inputs.maps[probe.method].turns, probe.step, baseline, photo, to);
      break;
  }
}

std::vector<double> run_probes(std::span<const Probe> probes, const ProbeInputs& inputs, Batch& batch,
                               const Execution& execution, std::int64_t index, Activation activation,
                               const std::function<void(std::int64_t)>& shown) {
  const auto total = static_cast<std::int64_t>(probes.size());
  const auto network_inputs = batch.inputs().values();
  const std::size_t floats = inputs.photo.values().size();
  std::vector<double> out;
  for (std::int64_t first = 0; first < total; first += batch.size()) {
    const auto count = static_cast<int>(std::min(batch.size(), total - first));
    threads::for_each(execution, count, [&](std::int64_t i) {
      write_probe(probes[first + i], inputs,
                  network_inputs.subspan(static_cast<std::size_t>(i) * floats, floats));
    });
    const Tensor logits = batch.run();
    const auto classes = static_cast<std::size_t>(logits.dim(1));
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
      out.push_back(probability(logits.values().subspan(i * classes, classes), index, activation));
    shown(first + count);
  }
  return out;
}

}  // namespace ablaze::evaluate
