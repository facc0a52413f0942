#include "cli/shell/method_options.hpp"

#include <CLI/CLI.hpp>

namespace ablaze::cli {

void add_method_options(CLI::App& grammar, MethodOptions& options) {
  grammar
      .add_option("--until", options.until,
                  "shapley: stop sampling when the largest standard error is at most E times the score")
      ->type_name("E")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  grammar.add_option("--seed", options.seed, "shapley, random: seed of the random numbers")
      ->type_name("N")
      ->capture_default_str();
  grammar
      .add_option("--base", options.base,
                  "finercam: the method that explains the difference to similar classes")
      ->type_name("ID")
      ->capture_default_str();
  grammar.add_option("--references", options.references, "finercam: number of similar classes")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  grammar.add_option("--strength", options.strength, "finercam: factor of the similar classes' scores")
      ->type_name("X")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void add_channel_options(CLI::App& grammar, MethodOptions& options) {
  grammar
      .add_option("--interactions", options.interactions,
                  "ablation, shapley: report and draw the pairwise interactions of the N strongest channels")
      ->type_name("N")
      ->check(CLI::Range(2, 256));
  grammar
      .add_option(
          "--paths", options.paths,
          "ablation: report and draw the drop of each of the N strongest channels along its path from "
          "gradient to ablation")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
}

}  // namespace ablaze::cli
