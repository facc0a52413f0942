#include <ablaze/explain.hpp>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "ablaze/batch.hpp"
#include "ablaze/command.hpp"
#include "ablaze/command_line.hpp"
#include "ablaze/inputs.hpp"
#include "ablaze/names.hpp"
#include "ablaze/network.hpp"
#include "ablaze/output.hpp"
#include "ablaze/progress_bar.hpp"
#include "base/text.hpp"
#include "formats/npy.hpp"

namespace ablaze::cli {

namespace fs = std::filesystem;

namespace {

/// The words of the command line as they were given.
struct Words {
  std::vector<std::string> inputs;
  std::string model;
  std::vector<std::string> methods{"ablation"};
  std::string layer;
  std::vector<std::string> classes{"top1"};
  std::string score = "logit";
  std::string ablate = "zero";
  std::string out = "ablaze-out";
  std::string colours = "inferno";
  double opacity = 0.5;
  bool save_map = false;
  bool json = false;
};

constexpr const char* examples =
    "  ablaze explain photo.jpg\n"
    "  ablaze explain photo.jpg --class top3 --out maps\n"
    "  ablaze explain photo.jpg --class \"golf ball\" --class parachute\n"
    "  ablaze explain photos/ --model resnet50.safetensors --layer layer3 --json > maps.jsonl\n"
    "  ablaze explain photo.jpg --ablate scale=0.5 --score probability --save-map\n";

// ---- from words to options ---------------------------------------------------------------------------

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

Score::Kind parse_score(const std::string& name) {
  if (name == "logit") return Score::Kind::logit;
  if (name == "probability") return Score::Kind::probability;
  const std::vector<std::string> names{"logit", "probability"};
  throw UsageError("--score " + base::printable(name) + base::did_you_mean(name, names) +
                   ": there is logit and probability");
}

ExplainOptions explain_options(const Words& words, const Common& common) {
  ExplainOptions options;
  options.methods = words.methods;
  options.layer = words.layer;
  options.classes = words.classes;
  options.score = parse_score(words.score);
  options.ablate = parse_ablation(words.ablate);
  options.threads = common.threads;
  options.isa = common.isa;
  options.winograd = common.winograd;
  options.memory_limit = common.memory;
  return options;
}

// ---- the work ----------------------------------------------------------------------------------------

/// What was written for one explanation.
struct Files {
  fs::path overlay;
  fs::path map;  ///< empty without --save-map
};

/// The picture that the overlays are drawn on, and where on it the network looked.
struct Canvas {
  Image photo;
  CropBox seen;
};

Canvas canvas_of(const Picture& picture, const Model& model) {
  if (!picture.tensor) {
    return {picture.photo, crop_box(picture.photo.width(), picture.photo.height(), model.preprocess)};
  }
  Image image = denormalise(*picture.tensor, model.preprocess);
  const CropBox all{0, 0, static_cast<double>(image.width()), static_cast<double>(image.height())};
  return {std::move(image), all};
}

fs::path with_suffix(fs::path prefix, const std::string& suffix) {
  prefix += suffix;
  return prefix;
}

class ExplainRun {
 public:
  ExplainRun(const Words& words, const Common& common, FoundInputs found)
      : words_(words),
        quiet_(common.quiet),
        found_(std::move(found)),
        prefixes_(output_prefixes(found_.inputs, words.out)),
        overlay_{parse_colour_map(words.colours), static_cast<float>(words.opacity)},
        explainer_(open_model(words.model), explain_options(words, common)),
        class_names_(explainer_.model()),
        bar_(found_.inputs.size(), common.quiet) {}

  int run() {
    return work_through(found_, bar_, [this](std::size_t input) { explain(input); });
  }

 private:
  void explain(std::size_t input) {
    const Stopwatch load;
    const Picture picture = load_picture(found_.inputs[input].file);
    const double milliseconds = load.milliseconds();
    auto explanations = picture.tensor ? explainer_.explain(*picture.tensor, bar_.within())
                                       : explainer_.explain(picture.photo, bar_.within());
    const Canvas canvas = canvas_of(picture, explainer_.model());

    std::vector<Files> files;
    for (Explanation& explanation : explanations) {
      explanation.milliseconds.load += milliseconds;
      const Stopwatch render;
      files.push_back(write(prefixes_[input], canvas, explanation));
      explanation.milliseconds.render = render.milliseconds();
    }
    bar_.make_room();
    report(found_.inputs[input].file, explanations, files);
  }

  Files write(const fs::path& prefix, const Canvas& canvas, const Explanation& explanation) const {
    const std::string name = "." + explanation.method + "." + class_names_.of(explanation.target.index);
    Files files{with_suffix(prefix, name + ".png"), {}};
    make_folder_of(files.overlay);
    overlay(canvas.photo, explanation.map, canvas.seen, overlay_).save_png(files.overlay);
    if (words_.save_map) {
      files.map = with_suffix(prefix, name + ".npy");
      formats::write_npy(files.map, explanation.map);
    }
    return files;
  }

  void report(const fs::path& input, const std::vector<Explanation>& explanations,
              const std::vector<Files>& files) const {
    if (words_.json) {
      for (std::size_t i = 0; i < files.size(); ++i) print_json(as_json(input, explanations[i], files[i]));
    } else if (quiet_) {
      for (const Files& some : files) print(paths(some));
    } else {
      print(as_text(input, explanations, files));
    }
  }

  static std::string paths(const Files& files, const std::string& indent = "") {
    std::string text = indent + shown(files.overlay) + "\n";
    if (!files.map.empty()) text += indent + shown(files.map) + "\n";
    return text;
  }

  std::string as_text(const fs::path& input, const std::vector<Explanation>& explanations,
                      const std::vector<Files>& files) const {
    std::string text = bold(style_, shown(input)) + "\n";
    if (!explanations.empty()) text += class_bars(style_, explanations.front().top);
    for (std::size_t i = 0; i < explanations.size(); ++i) {
      const Explanation& e = explanations[i];
      text += "  " + bold(style_, base::printable(e.target.label)) + ": " + e.method + " at " +
              base::printable(e.layer) + " (" + to_string(e.layer_shape) + "), " +
              fixed(e.milliseconds.forward + e.milliseconds.attribution, 1) + " ms\n";
      text += paths(files[i], "    ");
      if (!e.note.empty()) text += "    note: " + e.note + "\n";
    }
    return text + "\n";
  }

  Json as_json(const fs::path& input, const Explanation& e, const Files& files) const {
    const Model& model = explainer_.model();
    const auto numbers = [](const std::vector<double>& values) {
      return values.empty() ? Json() : Json(values);
    };
    Json out{
        {"input", input.string()},
        {"model", model.source.string()},
        {"architecture", model.architecture},
        {"method", e.method},
        {"layer", e.layer},
        {"layer_shape", e.layer_shape},
        {"target", to_json(e.target)},
        {"top", to_json(e.top)},
        {"drops", numbers(e.drops)},
        {"weights", numbers(e.weights)},
        {"map", {{"height", e.map.dim(0)}, {"width", e.map.dim(1)}, {"values", e.map.values()}}},
        {"files",
         {{"overlay", files.overlay.string()},
          {"map", files.map.empty() ? Json() : Json(files.map.string())}}},
        {"milliseconds",
         {{"load", e.milliseconds.load},
          {"forward", e.milliseconds.forward},
          {"attribution", e.milliseconds.attribution},
          {"render", e.milliseconds.render}}},
    };
    if (!e.note.empty()) out["note"] = e.note;
    return out;
  }

  const Words& words_;
  bool quiet_;
  FoundInputs found_;
  std::vector<fs::path> prefixes_;
  OverlayOptions overlay_;
  Explainer explainer_;
  ClassNames class_names_;
  ProgressBar bar_;
  Style style_ = style_of(1);
};

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
      ->add_option("-l,--layer", words->layer,
                   "Layer to explain (default: the model's; see 'ablaze inspect')")
      ->type_name("NAME");
  grammar
      ->add_option("-c,--class", words->classes,
                   "Class: an index, topN, or a label or an unambiguous part of one; may be repeated")
      ->type_name("C")
      ->allow_extra_args(false)
      ->capture_default_str();
  grammar
      ->add_option("--score", words->score, "What a channel's ablation is measured by: logit or probability")
      ->type_name("NAME")
      ->capture_default_str();
  grammar
      ->add_option("--ablate", words->ablate,
                   "What an ablated channel becomes: zero, mean (its own), scale=S (times S), or mask=FILE "
                   "(zero where the mask is 1; .npy or picture of the layer's height and width)")
      ->type_name("HOW")
      ->capture_default_str();
  grammar
      ->add_option("-o,--out", words->out,
                   "Folder for the pictures; a folder's subfolders are mirrored in it")
      ->type_name("DIR")
      ->capture_default_str();
  grammar->add_flag("--save-map", words->save_map,
                    "Write each map as .npy too (layer's resolution, unnormalised)");
  grammar->add_option("--colours", words->colours, "Colour map: " + base::join(colour_map_names(), " or "))
      ->type_name("NAME")
      ->capture_default_str();
  grammar->add_option("--opacity", words->opacity, "Of the map over the photo, 0 to 1")
      ->type_name("X")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  grammar->add_flag("--json", words->json, "Print one JSON object a line, for each input, method and class");
  add_footer(*grammar, examples);
  return {grammar, [words, &common] {
            return ExplainRun(*words, common, find_inputs(words->inputs, words->out)).run();
          }};
}

}  // namespace ablaze::cli
