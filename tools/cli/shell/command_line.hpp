#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ablaze::cli {

/// The program: parses the command line, runs the subcommand, prints errors. Returns a Status.
int run_command_line(int argc, const char* const* argv);

/// "512M", "4G", "1048576" -> bytes. Throws UsageError.
std::uint64_t parse_size(const std::string& text);

/// --model FILE; the shipped model by default.
CLI::Option* add_model_option(CLI::App& grammar, std::string& file);

/// Adds examples and exit statuses below a subcommand's options.
void add_footer(CLI::App& grammar, std::string_view examples);

}  // namespace ablaze::cli
