#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/shell/command.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ablaze::cli {

/// The program: parses the command line, runs the subcommand, prints errors. Returns a Status.
int run_command_line(int argc, const char* const* argv);

/// "512M", "4G", "1048576" -> bytes. Throws UsageError.
std::uint64_t parse_size(const std::string& text);

/// --model FILE, the shipped model by default, and --under KEY.
void add_model_options(CLI::App& grammar, ModelChoice& model);
/// --under KEY alone, for commands whose model is no option.
CLI::Option* add_under_option(CLI::App& grammar, std::string& under);

/// Adds examples and exit statuses below a subcommand's options.
void add_footer(CLI::App& grammar, std::string_view examples);

}  // namespace ablaze::cli
