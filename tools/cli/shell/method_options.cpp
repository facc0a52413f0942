#include "cli/shell/method_options.hpp"

#include <CLI/CLI.hpp>

namespace ablaze::cli {

void add_method_options(CLI::App& grammar, MethodOptions& options) {
  grammar
      .add_option("--until", options.until,
                  "shapley: sample until the largest standard error is this part of the score")
      ->type_name("E")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  grammar.add_option("--seed", options.seed, "shapley, random: what the random numbers start from")
      ->type_name("N")
      ->capture_default_str();
  grammar.add_option("--base", options.base, "finercam: the method that explains the difference")
      ->type_name("ID")
      ->capture_default_str();
  grammar
      .add_option("--references", options.references,
                  "finercam: how many similar classes are set against the class")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  grammar.add_option("--strength", options.strength, "finercam: the factor of the similar classes' scores")
      ->type_name("X")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void add_channel_options(CLI::App& grammar, MethodOptions& options) {
  grammar
      .add_option("--interactions", options.interactions,
                  "ablation, shapley: tell and draw how the N strongest channels act on each other in pairs")
      ->type_name("N")
      ->check(CLI::Range(2, 256));
  grammar
      .add_option(
          "--paths", options.paths,
          "ablation: draw the ways of the N strongest channels from their gradient to their ablation as "
          "curves")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
}

}  // namespace ablaze::cli
