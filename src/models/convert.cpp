#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>

#include <ablaze/convert.hpp>
#include <ablaze/error.hpp>
#include <ablaze/session.hpp>

#include "base/text.hpp"
#include "models/class_names.hpp"
#include "models/load.hpp"
#include "models/metadata.hpp"
#include "models/save.hpp"

namespace ablaze {
namespace {

constexpr std::uint64_t kSeed = 20200301;  // arbitrary

void apply_options(const ConvertOptions& options, Model& model) {
  if (!options.architecture.empty()) model.architecture = options.architecture;
  if (!options.labels.empty()) {
    models::ClassNames names;
    names.labels = options.labels;
    names.file = options.labels_source.empty() ? "the labels" : options.labels_source;
    models::check_class_names(names, model.class_count(), model.source);
    models::check_labels(options.labels, model.class_count(), names.file);
    model.labels = options.labels;
    model.synsets = options.synsets;
  }
  if (options.preprocess) {
    models::check_preprocess(*options.preprocess, model.source);
    Preprocess how = *options.preprocess;
    how.channels = model.preprocess.channels;  // the network's, not the user's
    if (how.crop == model.preprocess.crop && how.crop_width == 0)
      how.crop_width = model.preprocess.crop_width;
    model.preprocess = how;
  }
  model.activation = options.activation.value_or(model.activation);
  if (!options.provenance.empty()) model.provenance = options.provenance;
  if (model.provenance.empty()) model.provenance = std::filesystem::path(model.source).filename().string();
}

/// 64 x 64 pixels where the network accepts it, for fast tests; otherwise the network's own size.
Shape selftest_shape(const Model& model) {
  const Shape small{1, model.preprocess.channels, 64, 64};
  try {
    model.graph.infer_shapes(small);
    return small;
  } catch (const Error&) {
    return model.input_shape();
  }
}

std::vector<float> run_selftest(const Model& model, const SelfTest& test, const Execution& execution) {
  SessionOptions options;
  options.input = test.input_shape;
  options.execution = execution;
  const Session session(model.graph, std::move(options));
  const Tensor logits = session.run(selftest_input(test.input_shape, test.seed)).logits();
  return {logits.values().begin(), logits.values().end()};
}

/// The baseline kernels sum in the same order on every machine, so that a conversion gives the same bytes
/// everywhere.
SelfTest make_selftest(const Model& model, Execution execution) {
  SelfTest test{selftest_shape(model), kSeed, {}};
  execution.isa = Isa::baseline;
  execution.winograd = false;
  test.logits = run_selftest(model, test, execution);
  if (!std::ranges::all_of(test.logits, [](float logit) { return std::isfinite(logit); })) {
    throw Error(
        model.source +
        ": the network's logits for a test input are not finite; its weights are damaged, or belong to "
        "another network");
  }
  return test;
}

/// |found - expected| / |expected|; infinite where they cannot be compared.
double relative_error(const std::vector<float>& found, const std::vector<float>& expected) {
  if (found.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    difference += std::pow(static_cast<double>(found[i]) - expected[i], 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
  return std::sqrt(difference) / (norm > 0 ? std::sqrt(norm) : 1.0);
}

}  // namespace

Model convert_model(const std::string& source, const std::string& out, const ConvertOptions& options) {
  Model model = models::open_model(source, options.architecture, {.under = options.under},
                                   options.preprocess ? models::OnRefusal::note : models::OnRefusal::fail);
  apply_options(options, model);
  // The self-test covers the weights stored in the file, so they are rounded first. Widening changes no
  // number; it is deferred until the self-test's packed weights are freed.
  if (options.dtype != DType::f32) model = models::with_weights_as(model, options.dtype);
  model.selftest = make_selftest(model, options.execution);
  models::save_model(model, out, options.dtype);
  Model written = load_model(out);
  written.notes = std::move(model.notes);
  return written;
}

Verification verify_model(const Model& model, const Execution& execution) {
  if (!model.selftest) {
    throw Error(model.source + ": the file has no self-test; `ablaze convert` writes a file with one");
  }
  constexpr double tolerance = 1e-4;
  const double error =
      relative_error(run_selftest(model, *model.selftest, execution), model.selftest->logits);
  return {error, error <= tolerance};
}

}  // namespace ablaze
