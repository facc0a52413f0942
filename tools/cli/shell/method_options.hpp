#pragma once

#include <ablaze/methods.hpp>

namespace CLI {
class App;
}

namespace ablaze::cli {

/// Adds the options of single methods to a subcommand's grammar; parsing fills in `options`.
void add_method_options(CLI::App& grammar, MethodOptions& options);

/// Adds the options that examine single channels, for a command that draws and prints one photo's results.
void add_channel_options(CLI::App& grammar, MethodOptions& options);

}  // namespace ablaze::cli
