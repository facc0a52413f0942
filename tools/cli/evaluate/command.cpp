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

/// The command-line arguments, as given.
struct EvaluateWords {
  std::string photos, boxes, synsets, shard = "0/1";
  ModelChoice model;
  AttributionWords attribution;
  EvaluateOptions evaluate;
  std::string insertion = to_string(evaluate.insertion), deletion = to_string(evaluate.deletion),
              masked = to_string(evaluate.masked);
  std::string out = "ablaze-results";
  std::vector<std::string> compare;
  bool json = false;
};

constexpr const char* kWhatIsMeasured = "Metrics";

constexpr const char* kEvaluateExamples =
    "  ablaze evaluate photos/ --method ablation,gradcam,random --out results\n"
    "  ablaze evaluate photos.csv --metrics pointing-game,energy-pointing-game --of-label --out results\n"
    "  ablaze evaluate JPEGImages/ --boxes Annotations/ --metrics pointing-game --of-label --out results\n"
    "  ablaze evaluate val2017/ --boxes instances_val2017.json --metrics pointing-game --of-label --out "
    "results\n"
    "  ablaze evaluate photos/ --shard 0/8 --out results-0        (see 'ablaze merge')\n"
    "  mpirun -n 8 ablaze evaluate photos/ --out results          (a build with ABLAZE_MPI)\n"
    "  ablaze evaluate --compare results/summary.json others/summary.json\n\n"
    "If interrupted, run the same command again: it resumes.\n";

std::string metric_ids() {
  std::string ids;
  for (const MetricInfo& metric : metrics()) ids += (ids.empty() ? "" : ", ") + metric.id;
  return ids;
}

void add_metric_options(CLI::App& grammar, EvaluateWords& words) {
  EvaluateOptions& options = words.evaluate;
  grammar.add_option("--metrics", options.metrics, "Metrics: " + metric_ids())
      ->type_name("ID")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str()
      ->group(kWhatIsMeasured);
  grammar
      .add_flag("--of-label", options.of_label,
                "Explain and score each photo's labelled class, not the network's highest-scoring class")
      ->group(kWhatIsMeasured);
  grammar
      .add_flag("--signed", options.signed_maps,
                "Evaluate the maps before their ReLU: evidence against the class ranks below zero")
      ->group(kWhatIsMeasured);
  grammar.add_option("--steps", options.steps, "insertion, deletion: number of steps")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str()
      ->group(kWhatIsMeasured);
  grammar
      .add_option("--insertion", words.insertion,
                  "insertion: baseline image at the start: blur, mean or black")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(kWhatIsMeasured);
  grammar
      .add_option("--deletion", words.deletion, "deletion: baseline image at the end: blur, mean or black")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(kWhatIsMeasured);
  grammar
      .add_option("--masked", words.masked,
                  "The other metrics: baseline image of the masked pixels: blur, mean or black")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(kWhatIsMeasured);
  grammar
      .add_option("--tolerance", options.tolerance,
                  "pointing-game: distance from a box, in pixels of the photo, that still counts as a hit")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(kWhatIsMeasured);
}

EvaluateTask task_of(const EvaluateWords& words, const Common& common) {
  EvaluateTask task;
  task.photos = words.photos;
  task.model = words.model;
  task.boxes = words.boxes;
  task.synsets = words.synsets;
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
    throw UsageError("expected PHOTOS to measure, or --compare with two summaries");
  }
  if (words.compare.empty()) return run_evaluate(task_of(words, common));
  report_comparison(evaluate::compare_runs(words.compare.at(0), words.compare.at(1)), words.json);
  return all_done;
}

}  // namespace

Command evaluate_command(CLI::App& app, const Common& common) {
  CLI::App* grammar =
      app.add_subcommand("evaluate", "Measure the quality of the methods' maps on a data set");
  const auto words = std::make_shared<EvaluateWords>();
  grammar
      ->add_option(
          "PHOTOS", words->photos,
          "A folder of photos (subfolders with class names label their photos), one photo, or a CSV file "
          "(path, label, boxes)")
      ->type_name("");
  add_model_options(*grammar, words->model);
  grammar->add_option("-o,--out", words->out, "Output folder of the results and the summary")
      ->type_name("DIR")
      ->capture_default_str();
  grammar
      ->add_option(
          "--boxes", words->boxes,
          "The objects' boxes: a folder of PASCAL VOC XML files or YOLO text files with the photos' file "
          "names, or a file: COCO's instances (.json), ImageNet's LOC_*.csv, YOLO's data.yaml")
      ->type_name("PATH");
  grammar
      ->add_option(
          "--synsets", words->synsets,
          "File of the classes' WordNet ids, for data sets that name classes by them (n01440764), for "
          "example synset_words.txt or imagenet_class_index.json")
      ->type_name("FILE");
  grammar
      ->add_option("--shard", words->shard,
                   "Measure only the I-th of N equal parts of the photos, counted from 0")
      ->type_name("I/N");
  grammar
      ->add_option(
          "--compare", words->compare,
          "Two summary.json files, or folders with one: print the runs side by side, measure nothing")
      ->type_name("A B")
      ->expected(2);
  grammar->add_flag(
      "--json", words->json,
      "Print one JSON object per line, for each method and metric, and for each pair of methods");
  add_metric_options(*grammar, *words);
  add_attribution_options(*grammar, words->attribution);
  add_footer(*grammar, kEvaluateExamples);
  return {grammar, [words, &common] { return run(*words, common); }};
}

}  // namespace ablaze::cli
