#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <ablaze/explain.hpp>
#include <ablaze/model.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/command_line.hpp"
#include "cli/shell/network.hpp"
#include "cli/shell/output.hpp"

namespace ablaze::cli {

namespace {

constexpr const char* kMethodsExamples =
    "  ablaze methods\n"
    "  ablaze methods --model resnet50.safetensors --layer layer3\n"
    "  ablaze explain photo.jpg --method ablation,gradcam\n";

struct MethodsWords {
  ModelChoice model;
  std::string layer;
  bool json = false;
};

std::string needs(const MethodInfo& method) {
  return method.needs_gradients ? "the gradient" : "forward passes only, no gradient";
}

std::string cost_as_text(const MethodCost& cost) {
  if (!cost.fits) return "cannot explain this layer of this network";
  return short_number(static_cast<double>(cost.multiply_adds)) + " multiply-adds, " +
         short_number(cost.forward_passes) + " forward passes";
}

std::string as_text(const Style& style, const MethodInfo& method, const MethodCost* cost) {
  std::string text = bold(style, method.id) + "  " + method.name + "\n  " + method.summary +
                     "\n  Needs: " + needs(method) + "\n  Runs:  " + method.passes + "\n";
  if (!method.class_discriminative) text += "  Class: not discriminated\n";
  if (cost != nullptr) text += "  Cost:  " + cost_as_text(*cost) + "\n";
  return text + "  Paper: " + method.paper + "\n";
}

Json as_json(const MethodInfo& method, const MethodCost* cost) {
  Json out{{"id", method.id},
           {"name", method.name},
           {"summary", method.summary},
           {"paper", method.paper},
           {"needs_gradients", method.needs_gradients},
           {"passes", method.passes},
           {"class_discriminative", method.class_discriminative}};
  if (cost != nullptr) {
    out["fits"] = cost->fits;
    out["multiply_adds"] = cost->fits ? Json(cost->multiply_adds) : Json();
    out["forward_passes"] = cost->fits ? Json(cost->forward_passes) : Json();
  }
  return out;
}

std::vector<MethodCost> costs_of(const MethodsWords& words, const Common& common) {
  if (words.model.file.empty() && words.layer.empty()) return {};
  ExplainOptions options;
  options.layer = words.layer;
  options.execution = common.execution;
  return method_costs(open_model(words.model), options);
}

int run(const MethodsWords& words, const Common& common) {
  const Style style = style_of(1);
  const std::vector<MethodCost> costs = costs_of(words, common);
  for (std::size_t i = 0; i < methods().size(); ++i) {
    const MethodCost* cost = costs.empty() ? nullptr : &costs[i];
    if (words.json) {
      print_json(as_json(methods()[i], cost));
    } else {
      print(as_text(style, methods()[i], cost));
    }
  }
  return all_done;
}

}  // namespace

Command methods_command(CLI::App& app, const Common& common) {
  CLI::App* grammar =
      app.add_subcommand("methods", "List the explanation methods, their cost and their papers");
  const auto words = std::make_shared<MethodsWords>();
  grammar->add_option("-m,--model", words->model.file, "Model whose cost per method is counted")
      ->type_name("FILE");
  add_under_option(*grammar, words->model.under);
  grammar
      ->add_option("-l,--layer", words->layer,
                   "Layer whose cost is counted (default: the model's target layer)")
      ->type_name("NAME");
  grammar->add_flag("--json", words->json, "Print one JSON object per line, for each method");
  add_footer(*grammar, kMethodsExamples);
  return {grammar, [words, &common] { return run(*words, common); }};
}

}  // namespace ablaze::cli
