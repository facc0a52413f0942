#include "cli/shell/command.hpp"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <ablaze/error.hpp>
#include <ablaze/explain.hpp>

#include "cli/explain/picture_options.hpp"
#include "cli/explain/plan.hpp"
#include "cli/explain/run.hpp"
#include "cli/shell/attribution_words.hpp"
#include "cli/shell/command_line.hpp"
#include "cli/shell/method_options.hpp"

namespace ablaze::cli {

namespace {

/// The command-line arguments, as given.
struct ExplainWords {
  std::vector<std::string> inputs;
  ModelChoice model;
  std::vector<std::string> classes{"top1"};
  AttributionWords attribution;
  bool json = false;
  bool plan = false;
  PictureWords pictures;
};

constexpr const char* kExplainExamples =
    "  ablaze explain photo.jpg\n"
    "  ablaze explain photo.jpg --class top3 --out maps\n"
    "  ablaze explain photo.jpg --layer layer3 --plan\n"
    "  ablaze explain photo.jpg --class \"golf ball\" --class parachute\n"
    "  ablaze explain photos/ --model resnet50.safetensors --layer layer3 --json > maps.jsonl\n"
    "  ablaze explain photo.jpg --ablate scale=0.5 --score probability --save-map\n"
    "  ablaze explain photo.jpg --layer layer2,layer3,layer4 --fuse --size 448\n"
    "  ablaze explain photo.jpg --class top3 --signed --shared-scale --sheet\n"
    "  ablaze explain photo.jpg --box=0.3 --steps way\n"
    "  ablaze explain photo.jpg --layer layer3 --paths 8 --interactions 16\n"
    "  ablaze explain photo.jpg --class \"golf ball\" --score margin=parachute --method gradcam\n";

ExplainTask task_of(const ExplainWords& words, const Common& common) {
  ExplainTask task;
  task.inputs = words.inputs;
  task.model = words.model;
  task.options = explain_options(words.attribution, common);
  task.options.classes = words.classes;
  task.json = words.json;
  task.quiet = common.quiet;
  take_picture_words(words.pictures, task);
  const MethodOptions& method = task.options.method;
  if (!task.options.fuse.empty() && (method.paths != 0 || method.interactions != 0))
    throw UsageError("--paths and --interactions report one layer's channels: remove --fuse");
  return task;
}

}  // namespace

Command explain_command(CLI::App& app, const Common& common) {
  CLI::App* grammar = app.add_subcommand("explain", "Show which regions of a photo explain a class's score");
  const auto words = std::make_shared<ExplainWords>();
  grammar
      ->add_option("INPUT", words->inputs,
                   "Photos (JPEG, PNG), folders of them, or .npy tensors (1x3xHxW, normalised)")
      ->required()
      ->type_name("");
  add_model_options(*grammar, words->model);
  grammar
      ->add_option("-c,--class", words->classes,
                   "Class: an index, topN, a label or an unambiguous part of a label; may be repeated")
      ->type_name("C")
      ->allow_extra_args(false)
      ->capture_default_str();
  add_attribution_options(*grammar, words->attribution);
  add_channel_options(*grammar, words->attribution.method);
  grammar->add_flag("--json", words->json,
                    "Print one JSON object per line, for each input, method and class");
  grammar->add_flag("--plan", words->plan,
                    "Print the plan and the cost of ablating the layer's channels; explain nothing");
  add_picture_options(*grammar, words->pictures);
  add_footer(*grammar, kExplainExamples);
  return {grammar, [words, &common] {
            const ExplainTask task = task_of(*words, common);
            return words->plan ? run_plan(task) : run_explain(task);
          }};
}

}  // namespace ablaze::cli
