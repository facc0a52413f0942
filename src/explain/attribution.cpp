#include "explain/attribution.hpp"

#include <algorithm>
#include <utility>

#include <ablaze/error.hpp>

#include "base/stopwatch.hpp"
#include "cam/augmentation.hpp"
#include "cam/fusion.hpp"
#include "cam/maps.hpp"
#include "cam/principal.hpp"
#include "cam/result.hpp"

namespace ablaze::explain {

namespace {

/// One class at one layer: the result for the input itself, and the sum of its signed maps over the views.
struct LayerSum {
  cam::Result first;
  std::vector<double> sum;
};

/// [layer][class]
using MethodSums = std::vector<std::vector<LayerSum>>;

/// The run of one view of the input.
struct ViewRun {
  const Session& session;
  const Tensor& input;
  const Trace& trace;
};

/// A note without the part about the map, which may change afterwards.
std::string remarks_of(const cam::Result& result) {
  const std::string on_map = cam::note_on(result.signed_map);
  if (!result.note.starts_with(on_map)) return result.note;
  const std::string rest = result.note.substr(on_map.size());
  return rest.starts_with("; ") ? rest.substr(2) : rest;
}

/// Replaces the weighted sum by the sum of the terms' best rank-1 approximation.
void smooth(cam::Result& result, const Tensor& activation, const cam::Method& method) {
  if (result.weights.empty()) {
    throw UsageError("principal smoothing needs one weight per channel, but method " +
                     std::string(method.id) + " has none: remove it, or choose another method");
  }
  result.signed_map = cam::principal_sum(activation, result.weights);
}

std::vector<cam::Result> run_method(const ExplainRequest& request, const cam::Method& method,
                                    const std::string& layer, const ViewRun& run,
                                    std::span<const cam::Target> targets, const Progress& progress) {
  auto results = method.explain({.graph = request.graph,
                                 .session = run.session,
                                 .input = run.input,
                                 .trace = run.trace,
                                 .layer = layer,
                                 .targets = targets,
                                 .ablation = request.options.ablate,
                                 .options = request.options.method,
                                 .progress = progress});
  for (cam::Result& result : results) result.note = remarks_of(result);
  if (request.options.smooth.principal) {
    const Tensor activation = run.trace.activation(layer);
    for (cam::Result& result : results) smooth(result, activation, method);
  }
  return results;
}

std::vector<double> as_doubles(const Tensor& map) { return {map.values().begin(), map.values().end()}; }

void add(LayerSum& to, const Tensor& map) {
  for (std::size_t p = 0; p < to.sum.size(); ++p) to.sum[p] += static_cast<double>(map.data()[p]);
}

/// Adds one view's results for the classes: the first view's completely, of the others only the maps,
/// mirrored and resized back.
void add_view(std::vector<LayerSum>& classes, std::vector<cam::Result> results, const cam::View& view) {
  if (classes.empty()) {
    for (cam::Result& result : results) {
      auto sum = as_doubles(result.signed_map);
      classes.push_back({std::move(result), std::move(sum)});
    }
    return;
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Tensor& first = classes[i].first.signed_map;
    add(classes[i], cam::turned_back(view, results[i].signed_map, static_cast<int>(first.dim(1)),
                                     static_cast<int>(first.dim(0))));
  }
}

/// A layer's map is the mean over the views; its other findings are those of the input itself.
LayerAttribution layer_map(LayerSum sum, const std::string& layer, const Shape& shape, std::size_t views) {
  LayerAttribution out{.layer = layer,
                       .layer_shape = {shape.at(1), shape.at(2), shape.at(3)},
                       .drops = std::move(sum.first.drops),
                       .weights = std::move(sum.first.weights),
                       .map = {},
                       .signed_map = Tensor(sum.first.signed_map.shape()),
                       .note = {},
                       .findings = std::move(sum.first.findings),
                       .activation = {}};
  for (std::size_t p = 0; p < sum.sum.size(); ++p)
    out.signed_map.data()[p] = static_cast<float>(sum.sum[p] / static_cast<double>(views));
  out.map = cam::rectified(out.signed_map);
  out.note = cam::note_on(out.signed_map);
  cam::append(out.note, sum.first.note);
  return out;
}

bool is_zero(const Tensor& map) {
  return std::all_of(map.values().begin(), map.values().end(), [](float v) { return v == 0; });
}

/// Fuses several layers' maps, and adds the notes.
void fuse_layers(Attribution& out, Fusion how) {
  std::vector<Tensor> maps, signed_maps;
  bool all_zero = true;
  for (const LayerAttribution& layer : out.layers) {
    maps.push_back(layer.map);
    signed_maps.push_back(layer.signed_map);
    all_zero = all_zero && is_zero(layer.map);
    if (!layer.note.empty()) cam::append(out.note, layer.layer + ": " + layer.note);
  }
  out.map = cam::fuse(maps, how);
  out.signed_map = cam::fuse(signed_maps, how);
  if (is_zero(out.map) && !all_zero)
    cam::append(out.note, "the fused map is zero everywhere: the layers' maps agree at no location");
}

Attribution joined(std::vector<LayerAttribution> layers, double divisor, Fusion how) {
  Attribution out{.layers = std::move(layers), .map = {}, .signed_map = {}, .note = {}, .divisor = 1};
  if (out.layers.size() > 1) {
    fuse_layers(out, how);
    return out;
  }
  out.map = out.layers.front().map;
  out.signed_map = out.layers.front().signed_map;
  out.note = out.layers.front().note;
  out.divisor = divisor;
  return out;
}

/// Turns one method's sums over the views into one result per class.
std::vector<Attribution> finished(const ExplainRequest& request, MethodSums sums,
                                  std::span<const Shape> layer_shapes, std::size_t views) {
  std::vector<Attribution> out;
  for (std::size_t c = 0; c < sums.front().size(); ++c) {
    std::vector<LayerAttribution> layers;
    const double divisor = sums.front()[c].first.divisor;
    for (std::size_t l = 0; l < sums.size(); ++l)
      layers.push_back(layer_map(std::move(sums[l][c]), request.layers[l], layer_shapes[l], views));
    out.push_back(joined(std::move(layers), divisor, request.options.fusion));
  }
  return out;
}

/// The run of all views, methods and layers on one input.
class Work {
 public:
  Work(const ExplainRequest& request, std::span<const cam::Target> targets, std::size_t views,
       const Progress& progress)
      : request_(request),
        targets_(targets),
        views_(views),
        progress_(progress),
        sums_(request.methods.size(), MethodSums(request.layers.size())),
        milliseconds_(request.methods.size()) {}

  /// `shared`: milliseconds that all methods share for this view.
  void run_methods(const cam::View& view, const ViewRun& run, double shared) {
    for (std::size_t m = 0; m < request_.methods.size(); ++m) {
      const base::Stopwatch time;
      for (std::size_t l = 0; l < request_.layers.size(); ++l) {
        const Progress part =
            part_of(progress_, parts_done_++, views_ * sums_.size() * request_.layers.size());
        add_view(sums_[m][l],
                 run_method(request_, *request_.methods[m], request_.layers[l], run, targets_, part), view);
      }
      milliseconds_[m] += shared + time.milliseconds();
    }
  }

  std::vector<MethodAttribution> finish(std::span<const Shape> layer_shapes) {
    std::vector<MethodAttribution> out;
    for (std::size_t m = 0; m < sums_.size(); ++m) {
      const base::Stopwatch time;
      auto classes = finished(request_, std::move(sums_[m]), layer_shapes, views_);
      out.push_back({std::move(classes), milliseconds_[m] + time.milliseconds()});
    }
    return out;
  }

 private:
  const ExplainRequest& request_;
  std::span<const cam::Target> targets_;
  std::size_t views_;
  const Progress& progress_;
  std::vector<MethodSums> sums_;
  std::vector<double> milliseconds_;
  std::size_t parts_done_ = 0;
};

std::vector<cam::View> views_of(const ExplainRequest& request, const Shape& input) {
  if (request.options.smooth.augment) return cam::views_of(input);
  return {{input, false}};
}

}  // namespace

Progress part_of(const Progress& whole, std::size_t index, std::size_t count) {
  if (!whole) return {};
  const auto i = static_cast<std::int64_t>(index);
  const auto n = static_cast<std::int64_t>(count);
  return [&whole, i, n](std::int64_t done, std::int64_t total) { return whole(i * total + done, n * total); };
}

void prepare(const ExplainRequest& request, const Session& session) {
  const auto some = [&](auto wanted) { return std::ranges::any_of(request.methods, wanted); };
  // Finer-CAM needs what its base method needs.
  const auto uses = [&](std::string_view id) {
    return some(
        [&](auto* m) { return m->id == id || (m->id == "finercam" && request.options.method.base == id); });
  };
  const bool ablate = uses("ablation") || uses("shapley");
  const bool differentiate = some([](auto* m) { return m->needs_gradients; });
  for (const std::string& layer : request.layers) {
    if (ablate) session.prepare_ablation(layer);
    if (differentiate) session.prepare_gradient(layer);
  }
}

std::vector<MethodAttribution> attribute(const ExplainRequest& request, SessionCache& sessions,
                                         const Tensor& input, const Trace& trace,
                                         std::span<const cam::Target> targets, const Progress& progress) {
  const auto views = views_of(request, input.shape());
  Work work(request, targets, views.size(), progress);

  const Session& session = sessions.at(input.shape()).session();
  std::vector<Shape> layer_shapes;
  for (const std::string& layer : request.layers) layer_shapes.push_back(session.layer_shape(layer));
  work.run_methods(views.front(), {session, input, trace}, 0);

  for (const cam::View& view : std::span(views).subspan(1)) {
    Compiled& compiled = sessions.at(view.input);
    prepare(request, compiled.session());
    const base::Stopwatch pass;
    const Tensor seen = cam::seen_through(view, input);
    const Trace& seen_trace = compiled.run(seen);
    work.run_methods(view, {compiled.session(), seen, seen_trace}, pass.milliseconds());
  }
  return work.finish(layer_shapes);
}

}  // namespace ablaze::explain
