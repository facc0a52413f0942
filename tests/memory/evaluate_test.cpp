#include <filesystem>

#include <doctest/doctest.h>

#include <ablaze/evaluate.hpp>

#include "base/files.hpp"
#include "evaluate/report/summary.hpp"
#include "evaluate/run/run.hpp"
#include "memory/small.hpp"
#include "support/temporary_directory.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

ExplainOptions explain_options() {
  ExplainOptions options;
  options.methods = {"ablation", "gradcam"};
  options.execution.threads = 1;
  return options;
}

EvaluateOptions evaluate_options() {
  EvaluateOptions options;
  options.metrics.clear();
  for (const MetricInfo& metric : metrics()) options.metrics.push_back(metric.id);
  options.steps = 5;
  return options;
}

std::vector<Measurement> measure(Evaluator& evaluator) {
  const std::vector<PixelRectangle> boxes{{1, 2, 8, 6}};
  return evaluator.measure(small_photo(), 1, boxes).measurements;
}

}  // namespace

TEST_CASE("a photo is measured, or there is not enough memory") {
  run_out_of_memory([] { return Evaluator(small_model(), explain_options(), evaluate_options()); },
                    [](Evaluator& evaluator) {
                      std::string bytes;
                      for (const Measurement& m : measure(evaluator)) {
                        bytes += m.method + m.metric + std::to_string(m.value);
                        add_bytes(bytes, m.curve);
                      }
                      return bytes;
                    },
                    200);
}

TEST_CASE("a run of an evaluation is written, or goes on where memory ended") {
  const TemporaryDirectory folder;
  Model model = small_model();
  model.source = folder / "model";
  base::write_file(model.source, "weights");
  evaluate::Dataset dataset;
  dataset.photos.push_back({"photo.png", folder / "photo.png", 1, {}, {}});
  Evaluator evaluator(small_model(), explain_options(), evaluate_options());
  evaluate::PhotoResult result{0, "photo.png", 1, "church", measure(evaluator), {}};
  const std::string lines = evaluate::to_lines(result);
  const auto manifest = [&] {
    return evaluate::make_manifest(model, explain_options(), evaluate_options(), dataset, {});
  };
  run_out_of_memory(
      [&] {
        std::filesystem::remove_all(folder / "run");
        return Nothing();
      },
      [&](Nothing) {
        evaluate::RunFolder run(folder / "run", manifest());
        for ([[maybe_unused]] const std::size_t photo : run.open_photos())
          run.append(evaluate::to_lines(result));
        run.finish();
        const evaluate::Summary summary = evaluate::summarise(folder / "run");
        evaluate::write_summary(folder / "run", summary);
        return evaluate::summary_json(summary);
      },
      300);
  CHECK_FALSE(lines.empty());
}
