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

std::size_t add(Plan& plan, const Picture& picture) {
  plan.pictures.push_back(picture);
  return plan.pictures.size() - 1;
}

/// A curve between two pictures that other curves share.
std::vector<std::size_t> curve(Plan& plan, const Picture& step, int steps, std::size_t none,
                               std::size_t all) {
  std::vector<std::size_t> points{none};
  for (int i = 1; i < steps; ++i) {
    Picture picture = step;
    picture.step = i;
    points.push_back(add(plan, picture));
  }
  points.push_back(all);
  return points;
}

double probability(std::span<const float> logits, std::int64_t index, Activation activation) {
  if (!std::ranges::all_of(logits, [](float v) { return std::isfinite(v); })) {
    throw Error(
        "the network's output is not finite for a changed photo: the weights hold values that are not "
        "finite, "
        "or too large");
  }
  return probabilities(logits, activation).at(static_cast<std::size_t>(index));
}

}  // namespace

Plan plan_pictures(std::span<const Metric> metrics, std::size_t methods, const EvaluateOptions& options) {
  const bool insert = any_of(metrics, {Metric::insertion}), remove = any_of(metrics, {Metric::deletion});
  const bool mask =
      any_of(metrics, {Metric::average_drop, Metric::increase, Metric::average_gain, Metric::adcc});
  Plan plan;
  plan.methods.resize(methods);
  if (!insert && !remove && !mask) return plan;

  plan.photo = add(plan, {});
  std::size_t start = 0, end = 0;
  if (insert) start = end = add(plan, {.kind = Picture::Kind::baseline, .baseline = options.insertion});
  if (remove && !(insert && options.insertion == options.deletion))
    end = add(plan, {.kind = Picture::Kind::baseline, .baseline = options.deletion});
  for (std::size_t m = 0; m < methods; ++m) {
    Plan::Method& of = plan.methods[m];
    const Picture inserted{Picture::Kind::inserted, options.insertion, m},
        deleted{Picture::Kind::deleted, options.deletion, m};
    if (mask) of.masked = add(plan, {Picture::Kind::masked, options.masked, m});
    if (insert) of.insertion = curve(plan, inserted, options.steps, start, plan.photo);
    if (remove) of.deletion = curve(plan, deleted, options.steps, plan.photo, end);
  }
  return plan;
}

void paint(const Picture& picture, const Scene& scene, std::span<float> to) {
  const auto photo = scene.photo.values();
  const auto baseline = scene.baselines[static_cast<std::size_t>(picture.baseline)].values();
  switch (picture.kind) {
    case Picture::Kind::photo:
      std::ranges::copy(photo, to.begin());
      break;
    case Picture::Kind::baseline:
      std::ranges::copy(baseline, to.begin());
      break;
    case Picture::Kind::masked:
      blend(scene.heats[picture.method].mask.values(), photo, baseline, to);
      break;
    case Picture::Kind::inserted:
      mix(scene.heats[picture.method].turns, picture.step, photo, baseline, to);
      break;
    case Picture::Kind::deleted:
      mix(scene.heats[picture.method].turns, picture.step, baseline, photo, to);
      break;
  }
}

std::vector<double> show(std::span<const Picture> pictures, const Scene& scene, Batch& batch,
                         const Execution& execution, std::int64_t index, Activation activation,
                         const std::function<void(std::int64_t)>& shown) {
  const auto total = static_cast<std::int64_t>(pictures.size());
  const auto inputs = batch.inputs().values();
  const std::size_t floats = scene.photo.values().size();
  std::vector<double> out;
  for (std::int64_t first = 0; first < total; first += batch.size()) {
    const auto count = static_cast<int>(std::min(batch.size(), total - first));
    threads::for_each(execution, count, [&](std::int64_t i) {
      paint(pictures[static_cast<std::size_t>(first + i)], scene,
            inputs.subspan(static_cast<std::size_t>(i) * floats, floats));
    });
    const Tensor logits = batch.logits();
    const auto classes = static_cast<std::size_t>(logits.dim(1));
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
      out.push_back(probability(logits.values().subspan(i * classes, classes), index, activation));
    shown(first + count);
  }
  return out;
}

}  // namespace ablaze::evaluate
