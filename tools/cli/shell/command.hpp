#pragma once

#include <functional>
#include <string>

#include <ablaze/execution.hpp>

namespace CLI {
class App;
}

namespace ablaze::cli {

/// Exit statuses of the program; 128 + the signal's number after a signal.
enum Status : int {
  all_done = 0,
  something_failed = 1,  ///< an input, the model or the output; the other inputs are done
  wrong_usage = 2,
};

/// Options of every subcommand, accepted before or after its name.
struct Common {
  Execution execution;
  bool quiet = false;
};

/// The network to use: a file, and which of its networks.
struct ModelChoice {
  std::string file;   ///< empty: the shipped model
  std::string under;  ///< as LoadOptions::under
};

/// A subcommand: its part of the grammar, and the function to run after parsing.
struct Command {
  CLI::App* grammar = nullptr;
  std::function<int()> run;  ///< returns a Status
};

// Each adds its options to the grammar, in the file of its name. `common` is complete when run() is called.
Command explain_command(CLI::App& app, const Common& common);
Command classify_command(CLI::App& app, const Common& common);
Command activations_command(CLI::App& app, const Common& common);
Command convert_command(CLI::App& app, const Common& common);
Command inspect_command(CLI::App& app, const Common& common);
Command methods_command(CLI::App& app, const Common& common);
Command evaluate_command(CLI::App& app, const Common& common);
Command merge_command(CLI::App& app, const Common& common);
Command bench_command(CLI::App& app, const Common& common);

}  // namespace ablaze::cli
