#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/shell/batch.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/command_line.hpp"
#include "cli/shell/inputs.hpp"
#include "cli/shell/network.hpp"
#include "cli/shell/output.hpp"
#include "formats/npy.hpp"

namespace ablaze::cli {

namespace {

struct ActivationsWords {
  std::string input, layer, out;
  ModelChoice model;
};

constexpr const char* kActivationsExamples =
    "  ablaze activations photo.jpg --layer layer4 --out layer4.npy\n"
    "  ablaze activations photo.jpg --model vgg16.safetensors --layer features.28 --out conv5_3.npy\n"
    "  ablaze inspect vgg16.safetensors                             the layers' names\n";

void write_activation(const ActivationsWords& words, const Common& common, const Model& model) {
  const Picture picture = load_picture(words.input);
  if (!common.quiet) print_notes(words.input, picture);
  const Tensor input = network_input(picture, model);
  SessionOptions options = session_options(common);
  options.input = input.shape();
  options.keep = {words.layer};
  const Tensor activation = Session(model.graph, options).run(input).activation(words.layer);
  formats::write_npy(words.out, activation);
  if (!common.quiet)
    print(words.layer + ": " + to_string(activation.shape()) + " -> " + shown(words.out) + "\n");
}

int run(const ActivationsWords& words, const Common& common) {
  const Model model = open_model(words.model);
  ProgressBar bar(1, true);
  return work_through({{{words.input, {}}}, {}}, bar,
                      [&](std::size_t) { write_activation(words, common, model); });
}

}  // namespace

Command activations_command(CLI::App& app, const Common& common) {
  CLI::App* grammar =
      app.add_subcommand("activations", "Write a layer's activations for a photo as a .npy file");
  const auto words = std::make_shared<ActivationsWords>();
  grammar->add_option("INPUT", words->input, "A photo (JPEG, PNG) or a .npy tensor (1x3xHxW, normalised)")
      ->required()
      ->type_name("");
  add_model_options(*grammar, words->model);
  grammar
      ->add_option("-l,--layer", words->layer,
                   "The layer's name: PyTorch's module name (see 'ablaze inspect')")
      ->type_name("NAME")
      ->required();
  grammar->add_option("-o,--out", words->out, "The file to write: float32, NCHW")
      ->type_name("FILE.npy")
      ->required();
  add_footer(*grammar, kActivationsExamples);
  return {grammar, [words, &common] { return run(*words, common); }};
}

}  // namespace ablaze::cli
