#include <ablaze/explain.hpp>

#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "ablaze/command.hpp"
#include "ablaze/command_line.hpp"
#include "ablaze/explain_methods.hpp"
#include "ablaze/explain_pictures.hpp"
#include "ablaze/explain_plan.hpp"
#include "ablaze/explain_run.hpp"
#include "ablaze/inputs.hpp"
#include "base/text.hpp"

namespace ablaze::cli {

namespace {

/// The words of the command line as they were given.
struct Words {
  std::vector<std::string> inputs;
  std::string model;
  std::vector<std::string> methods{"ablation"};
  std::vector<std::string> classes{"top1"};
  std::string score = "logit";
  std::string ablate = "zero";
  MethodOptions method;
  bool json = false;
  bool plan = false;
  PictureWords pictures;
};

constexpr const char* examples =
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

float parse_factor(const std::string& text) {
  float factor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(factor)) {
    throw UsageError("--ablate scale=\"" + base::printable(text) +
                     "\" needs a number, for example scale=0.5");
  }
  return factor;
}

Ablation parse_ablation(const std::string& text) {
  const auto equals = text.find('=');
  const std::string kind = text.substr(0, equals);
  const std::optional<std::string> value =
      equals == std::string::npos ? std::nullopt : std::optional(text.substr(equals + 1));
  if (kind == "zero" && !value) return {};
  if (kind == "mean" && !value) return {Ablation::Kind::mean, 0, {}};
  if (kind == "scale" && value) return {Ablation::Kind::scale, parse_factor(*value), {}};
  if (kind == "mask" && value) return {Ablation::Kind::mask, 0, load_mask(*value)};
  const std::vector<std::string> kinds{"zero", "mean", "scale=S", "mask=FILE"};
  throw UsageError("--ablate " + base::printable(text) + base::did_you_mean(text, kinds) + ": there is " +
                   base::join(kinds));
}

Score::Kind parse_score_kind(const std::string& name) {
  if (name == "logit") return Score::Kind::logit;
  if (name == "probability") return Score::Kind::probability;
  if (name == "margin") return Score::Kind::margin;
  const std::vector<std::string> names{"logit", "probability", "margin"};
  throw UsageError("--score " + base::printable(name) + base::did_you_mean(name, names) + ": there is " +
                   base::join(names) + ", and margin=CLASS");
}

void parse_score(const std::string& text, ExplainOptions& options) {
  const auto equals = text.find('=');
  options.score = parse_score_kind(text.substr(0, equals));
  if (equals == std::string::npos) return;
  options.against = text.substr(equals + 1);
  if (options.score != Score::Kind::margin || options.against.empty())
    throw UsageError("--score " + base::printable(text) +
                     ": only a margin names a class, for example margin=parachute");
}

ExplainOptions explain_options(const Words& words, const Common& common) {
  ExplainOptions options;
  options.methods = words.methods;
  options.classes = words.classes;
  parse_score(words.score, options);
  options.ablate = parse_ablation(words.ablate);
  options.method = words.method;
  options.threads = common.threads;
  options.isa = common.isa;
  options.winograd = common.winograd;
  options.memory_limit = common.memory;
  return options;
}

ExplainTask task_of(const Words& words, const Common& common) {
  ExplainTask task;
  task.inputs = words.inputs;
  task.model = words.model;
  task.options = explain_options(words, common);
  task.json = words.json;
  task.quiet = common.quiet;
  take_picture_words(words.pictures, task);
  if (!task.options.fuse.empty() && (words.method.paths != 0 || words.method.interactions != 0))
    throw UsageError("--paths and --interactions tell of one layer's channels: leave --fuse out");
  return task;
}

}  // namespace

Command explain_command(CLI::App& app, const Common& common) {
  CLI::App* grammar =
      app.add_subcommand("explain", "Show which part of a photo decided, as an overlay and as numbers");
  const auto words = std::make_shared<Words>();
  grammar
      ->add_option("INPUT", words->inputs,
                   "Photos (JPEG, PNG), folders of them, or .npy tensors (1x3xHxW, normalised)")
      ->required()
      ->type_name("");
  add_model_option(*grammar, words->model);
  grammar->add_option("--method", words->methods, "Method ids (see 'ablaze methods'); may be repeated")
      ->type_name("ID")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  grammar
      ->add_option("-c,--class", words->classes,
                   "Class: an index, topN, or a label or an unambiguous part of one; may be repeated")
      ->type_name("C")
      ->allow_extra_args(false)
      ->capture_default_str();
  grammar
      ->add_option("--score", words->score,
                   "What is explained: logit, probability, margin (the logit less the runner-up's), or "
                   "margin=CLASS (less that class's)")
      ->type_name("NAME")
      ->capture_default_str();
  grammar
      ->add_option("--ablate", words->ablate,
                   "What an ablated channel becomes: zero, mean (its own), scale=S (times S), or mask=FILE "
                   "(zero where the mask is 1; .npy or picture of the layer's height and width)")
      ->type_name("HOW")
      ->capture_default_str();
  add_method_options(*grammar, words->method);
  grammar->add_flag("--json", words->json, "Print one JSON object a line, for each input, method and class");
  grammar->add_flag("--plan", words->plan,
                    "Only tell how the layer's channels would be ablated, and what that would cost");
  add_picture_options(*grammar, words->pictures);
  add_footer(*grammar, examples);
  return {grammar, [words, &common] {
            const ExplainTask task = task_of(*words, common);
            return words->plan ? run_plan(task) : run_explain(task);
          }};
}

}  // namespace ablaze::cli
