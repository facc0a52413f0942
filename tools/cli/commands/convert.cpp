#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <ablaze/convert.hpp>
#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/command_line.hpp"
#include "cli/shell/output.hpp"
#include "models/class_names.hpp"

namespace ablaze::cli {

namespace {

struct ConvertWords {
  std::string source, under, out;
  std::string architecture, labels, activation, provenance;
  std::string dtype = "f32";
  std::optional<int> resize, crop;
  std::vector<float> mean, std;
};

constexpr const char* kConvertExamples =
    "  ablaze convert resnet50-0676ba61.pth --out resnet50.safetensors --labels imagenet.json\n"
    "  ablaze convert network.onnx --out network.safetensors --crop 160\n"
    "  ablaze convert mine.pt --out mine.safetensors --dtype f16 --activation sigmoid\n"
    "  ablaze inspect mine.safetensors --verify\n";

/// Of the types that a weight can have, those that a model file is written with.
DType written_dtype(const std::string& name) {
  if (name == "f32") return DType::f32;
  if (name == "f16") return DType::f16;
  throw UsageError("--dtype " + base::printable(name) + ": expected f32 or f16");
}

/// Three numbers, or one for all three channels.
void set_channels(std::array<float, 3>& out, const std::vector<float>& given, const char* option) {
  if (given.empty()) return;
  if (given.size() != 1 && given.size() != 3) {
    throw UsageError(std::string(option) + " takes one number, or three for red, green and blue");
  }
  for (std::size_t c = 0; c < 3; ++c) out[c] = given[given.size() == 1 ? 0 : c];
}

/// Nothing if no option is given: the source's own preprocessing then applies, as to what is not given.
std::optional<Preprocess> preprocess_of(const ConvertWords& words) {
  if (!words.resize && !words.crop && words.mean.empty() && words.std.empty()) return std::nullopt;
  Preprocess checked;  // before the source is read
  set_channels(checked.mean, words.mean, "--mean");
  set_channels(checked.std, words.std, "--std");
  if (std::any_of(checked.std.begin(), checked.std.end(), [](float s) { return !(s > 0); }))
    throw UsageError("--std must be above zero: it divides the photo's values");
  Preprocess preprocess = load_model(words.source).preprocess;
  preprocess.crop = words.crop.value_or(preprocess.crop);
  preprocess.resize = words.resize.value_or(words.crop ? preprocess.crop : preprocess.resize);
  if (words.resize && !words.crop && preprocess.resize < preprocess.crop) {
    throw UsageError("--resize " + std::to_string(preprocess.resize) +
                     " is less than the side of the network's input, " + std::to_string(preprocess.crop) +
                     "; give --crop as well");
  }
  set_channels(preprocess.mean, words.mean, "--mean");
  set_channels(preprocess.std, words.std, "--std");
  return preprocess;
}

ConvertOptions convert_options(const ConvertWords& words) {
  ConvertOptions options;
  options.dtype = written_dtype(words.dtype);
  if (!words.activation.empty()) options.activation = parse_activation(words.activation);
  options.architecture = words.architecture;
  options.preprocess = preprocess_of(words);
  options.provenance = words.provenance;
  options.under = words.under;
  return options;
}

int run(const ConvertWords& words, const Common& common) {
  ConvertOptions options = convert_options(words);
  std::vector<std::string> notes;
  if (!words.labels.empty()) {
    models::ClassNames names = models::read_class_names(words.labels);
    models::require_order(names);
    notes = std::move(names.notes);
    options.labels = std::move(names.labels);
    options.synsets = std::move(names.synsets);
    options.labels_source = words.labels;
  }
  const Model model = convert_model(words.source, words.out, options);
  const Verification check = verify_model(model);
  if (!check.passed) {
    throw Error(words.out + ": written, but its self-test differs by " + scientific(check.error) +
                " when read back: do not use this file");
  }
  if (!common.quiet) {
    for (const std::string& note : notes) print(shown(words.labels) + ": " + note + "\n");
    for (const std::string& note : model.notes) print(shown(words.source) + ": " + note + "\n");
    print(shown(words.out) + ": " + model.architecture + ", " + std::to_string(model.class_count()) +
          " classes, target layer " + model.default_layer + "; self-test passed\n");
  }
  return all_done;
}

}  // namespace

Command convert_command(CLI::App& app, const Common& common) {
  CLI::App* grammar =
      app.add_subcommand("convert", "Write a model file from a PyTorch, ONNX or plain safetensors file");
  const auto words = std::make_shared<ConvertWords>();
  grammar
      ->add_option("SOURCE", words->source,
                   "A PyTorch checkpoint (.pth, .pt, .th), an ONNX or a safetensors file")
      ->required()
      ->type_name("");
  add_under_option(*grammar, words->under);
  grammar->add_option("-o,--out", words->out, "The model file to write")->type_name("FILE")->required();
  grammar
      ->add_option("--architecture", words->architecture,
                   "The expected architecture, for example resnet50; fail if the tensors have another")
      ->type_name("NAME");
  grammar
      ->add_option(
          "--labels", words->labels,
          "File of the classes' labels: one per line, a JSON array or object, or a Python dictionary")
      ->type_name("FILE");
  grammar->add_option("--dtype", words->dtype, "Type of the weights: f32, or f16 for a file of half the size")
      ->type_name("NAME")
      ->capture_default_str();
  grammar
      ->add_option("--activation", words->activation,
                   "Activation of the logits: softmax, sigmoid or none (default: softmax)")
      ->type_name("NAME");
  grammar->add_option("--provenance", words->provenance, "Origin and licence of the weights")
      ->type_name("TEXT");
  grammar->add_option("--resize", words->resize, "Shorter side of the resized photo before the crop")
      ->type_name("N")
      ->check(CLI::Range(1, 16384));
  grammar
      ->add_option("--crop", words->crop,
                   "Side of the network's input (default: the source's, 224 for most); without --resize, "
                   "also the resized shorter side")
      ->type_name("N")
      ->check(CLI::Range(1, 16384));
  grammar
      ->add_option("--mean", words->mean,
                   "Mean of the channels, in [0, 1]: R,G,B (default: the source's, or ImageNet's)")
      ->type_name("X,X,X")
      ->delimiter(',')
      ->expected(1, 3);
  grammar
      ->add_option("--std", words->std,
                   "Standard deviation of the channels: R,G,B (default: the source's, or ImageNet's)")
      ->type_name("X,X,X")
      ->delimiter(',')
      ->expected(1, 3);
  add_footer(*grammar, kConvertExamples);
  return {grammar, [words, &common] { return run(*words, common); }};
}

}  // namespace ablaze::cli
