#include "cli/shell/command.hpp"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <ablaze/error.hpp>
#include <ablaze/evaluate.hpp>

#include "base/text.hpp"
#include "cli/evaluate/report.hpp"
#include "cli/evaluate/run.hpp"
#include "cli/shell/attribution_words.hpp"
#include "cli/shell/command_line.hpp"
#include "evaluate/report/compare.hpp"

namespace ablaze::cli {

namespace {

/// The words of the command line as they were given.
struct EvaluateWords {
  std::string photos, model, boxes, shard = "0/1";
  AttributionWords attribution;
  EvaluateOptions evaluate;
  std::string insertion = to_string(evaluate.insertion), deletion = to_string(evaluate.deletion),
              masked = to_string(evaluate.masked);
  std::string out = "ablaze-results";
  std::vector<std::string> compare;
  bool json = false;
};

constexpr const char* what_is_measured = "Metrics";

constexpr const char* evaluate_examples =
    "  ablaze evaluate photos/ --method ablation,gradcam,random --out results\n"
    "  ablaze evaluate photos.csv --metrics pointing-game,energy-pointing-game --of-label --out results\n"
    "  ablaze evaluate JPEGImages/ --boxes Annotations/ --metrics pointing-game --of-label --out results\n"
    "  ablaze evaluate photos/ --shard 0/8 --out results-0        (see 'ablaze merge')\n"
    "  mpirun -n 8 ablaze evaluate photos/ --out results          (a build with ABLAZE_MPI)\n"
    "  ablaze evaluate --compare results/summary.json others/summary.json\n\n"
    "Ended at any moment, the same command goes on where it was.\n";

std::string metric_ids() {
  std::string ids;
  for (const MetricInfo& metric : metrics()) ids += (ids.empty() ? "" : ", ") + metric.id;
  return ids;
}

void add_metric_options(CLI::App& grammar, EvaluateWords& words) {
  EvaluateOptions& options = words.evaluate;
  grammar.add_option("--metrics", options.metrics, "Of " + metric_ids())
      ->type_name("ID")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str()
      ->group(what_is_measured);
  grammar
      .add_flag("--of-label", options.of_label,
                "Explain and score the class that a photo is labelled with, not the one that the network "
                "puts first")
      ->group(what_is_measured);
  grammar
      .add_flag("--signed", options.signed_maps,
                "Judge the maps before their ReLU: evidence against the class ranks below none")
      ->group(what_is_measured);
  grammar.add_option("--steps", options.steps, "insertion, deletion: steps from nothing to the whole photo")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str()
      ->group(what_is_measured);
  grammar.add_option("--insertion", words.insertion, "insertion: what it starts from: blur, mean or black")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(what_is_measured);
  grammar.add_option("--deletion", words.deletion, "deletion: what it ends at")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(what_is_measured);
  grammar.add_option("--masked", words.masked, "The other metrics: what shows where a map hides the photo")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(what_is_measured);
  grammar
      .add_option("--tolerance", options.tolerance,
                  "pointing-game: pixels of the photo beside a box that are still a hit")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(what_is_measured);
}

EvaluateTask task_of(const EvaluateWords& words, const Common& common) {
  EvaluateTask task;
  task.photos = words.photos;
  task.model = words.model;
  task.boxes = words.boxes;
  task.explain = explain_options(words.attribution, common);
  task.evaluate = words.evaluate;
  task.evaluate.insertion = parse_baseline(words.insertion);
  task.evaluate.deletion = parse_baseline(words.deletion);
  task.evaluate.masked = parse_baseline(words.masked);
  task.evaluate.seed = words.attribution.method.seed;
  task.out = words.out;
  task.shard = evaluate::parse_shard(words.shard);
  task.json = words.json;
  task.quiet = common.quiet;
  return task;
}

int run(const EvaluateWords& words, const Common& common) {
  if (words.photos.empty() == words.compare.empty()) {
    throw UsageError("give PHOTOS to measure, or --compare two summaries");
  }
  if (words.compare.empty()) return run_evaluate(task_of(words, common));
  report_comparison(evaluate::compare_runs(words.compare.at(0), words.compare.at(1)), words.json);
  return all_done;
}

}  // namespace

Command evaluate_command(CLI::App& app, const Common& common) {
  CLI::App* grammar =
      app.add_subcommand("evaluate", "Measure on a whole data set what the methods' maps are worth");
  const auto words = std::make_shared<EvaluateWords>();
  grammar
      ->add_option(
          "PHOTOS", words->photos,
          "A folder of photos, labelled where its folders are called as classes are, or a CSV file (path, "
          "label, boxes)")
      ->type_name("");
  add_model_option(*grammar, words->model);
  grammar->add_option("-o,--out", words->out, "Folder for the results and the summary")
      ->type_name("DIR")
      ->capture_default_str();
  grammar->add_option("--boxes", words->boxes, "Folder of PASCAL VOC's XML files, found by the photos' names")
      ->type_name("DIR");
  grammar
      ->add_option("--shard", words->shard,
                   "Measure only the I-th of N equal parts of the photos, counted from 0")
      ->type_name("I/N");
  grammar
      ->add_option("--compare", words->compare,
                   "Two summary.json, or folders that hold one: print the runs side by side, measure nothing")
      ->type_name("A B")
      ->expected(2);
  grammar->add_flag("--json", words->json,
                    "Print one JSON object a line, for each method and metric, and for each two methods");
  add_metric_options(*grammar, *words);
  add_attribution_options(*grammar, words->attribution);
  add_footer(*grammar, evaluate_examples);
  return {grammar, [words, &common] { return run(*words, common); }};
}

}  // namespace ablaze::cli
