#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <ablaze/explain.hpp>

#include "base/json.hpp"
#include "base/stopwatch.hpp"
#include "cli/shell/batch.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/command_line.hpp"
#include "cli/shell/inputs.hpp"
#include "cli/shell/network.hpp"
#include "cli/shell/output.hpp"
#include "cli/shell/progress_bar.hpp"
#include "explain/session_cache.hpp"
#include "formats/npy.hpp"

namespace ablaze::cli {

namespace {

struct ClassifyWords {
  std::vector<std::string> inputs;
  ModelChoice model;
  int top = 5;
  std::string save_logits;
  bool json = false;
};

constexpr const char* kClassifyExamples =
    "  ablaze classify photo.jpg\n"
    "  ablaze classify photos/ --top 1 --json\n"
    "  ablaze classify photos/ --model resnet50.safetensors --save-logits logits.npy\n";

/// One input, its classes, and the times in milliseconds.
struct Result {
  Picture picture;
  std::vector<ClassScore> top;
  double load = 0, forward = 0;
};

class ClassifyRun {
 public:
  ClassifyRun(const ClassifyWords& words, const Common& common, FoundInputs found)
      : words_(words),
        found_(std::move(found)),
        model_(open_model(words.model)),
        sessions_(model_.graph, session_options(common)),
        quiet_(common.quiet),
        bar_(found_.inputs.size(), common.quiet) {
    if (!words.save_logits.empty()) reserve_rows();
  }

  int run() {
    const int status = work_through(found_, bar_, [this](std::size_t input) {
      const Result result = classify(input);
      bar_.make_room();
      if (!quiet_) print_notes(found_.inputs[input].file, result.picture);
      report(found_.inputs[input].file, result);
    });
    if (!words_.save_logits.empty()) formats::write_npy(words_.save_logits, logits_);
    return status;
  }

 private:
  /// Failed inputs keep a row of nan, so that row i is input i.
  void reserve_rows() {
    logits_ = Tensor({static_cast<std::int64_t>(found_.inputs.size()), model_.class_count()});
    std::fill(logits_.values().begin(), logits_.values().end(), std::numeric_limits<float>::quiet_NaN());
  }

  Result classify(std::size_t input) {
    Result result;
    const base::Stopwatch load;
    result.picture = load_picture(found_.inputs[input].file);
    const Tensor tensor = network_input(result.picture, model_);
    result.load = load.milliseconds();

    explain::Compiled& compiled = sessions_.at(tensor.shape());
    const base::Stopwatch forward;
    const Tensor logits = compiled.run(tensor).logits();
    result.forward = forward.milliseconds();

    result.top = top_classes(model_, logits.values(), words_.top);
    if (logits_.size() > 0) {
      const auto row = static_cast<std::int64_t>(input) * logits_.dim(1);
      std::copy(logits.values().begin(), logits.values().end(), logits_.data() + row);
    }
    return result;
  }

  void report(const std::filesystem::path& input, const Result& result) const {
    if (words_.json) {
      Json line{{"input", input.string()},
                {"model", model_.source},
                {"architecture", model_.architecture},
                {"top", to_json(result.top)},
                {"milliseconds", {{"load", result.load}, {"forward", result.forward}}}};
      if (!result.picture.notes.empty()) line["photo"] = to_json(result.picture);
      print_json(line);
    } else {
      print(bold(style_, shown(input)) + "\n" + class_bars(style_, result.top) + "\n");
    }
  }

  const ClassifyWords& words_;
  FoundInputs found_;
  Model model_;
  explain::SessionCache sessions_;
  bool quiet_;
  ProgressBar bar_;
  Tensor logits_;  // [inputs, classes] if they are saved
  Style style_ = style_of(1);
};

}  // namespace

Command classify_command(CLI::App& app, const Common& common) {
  CLI::App* grammar = app.add_subcommand("classify", "Print the highest-scoring classes of a photo");
  const auto words = std::make_shared<ClassifyWords>();
  grammar
      ->add_option("INPUT", words->inputs,
                   "Photos (JPEG, PNG), folders of them, or .npy tensors (1x3xHxW, normalised)")
      ->required()
      ->type_name("");
  add_model_options(*grammar, words->model);
  grammar->add_option("-n,--top", words->top, "Number of classes to print")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  grammar
      ->add_option(
          "--save-logits", words->save_logits,
          "Write all logits as one .npy, inputs x classes, float32; the row of a failed input is nan")
      ->type_name("FILE");
  grammar->add_flag("--json", words->json, "Print one JSON object per line, for each input");
  add_footer(*grammar, kClassifyExamples);
  return {grammar,
          [words, &common] { return ClassifyRun(*words, common, find_inputs(words->inputs)).run(); }};
}

}  // namespace ablaze::cli
