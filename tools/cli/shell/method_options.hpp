#pragma once

#include <ablaze/method_options.hpp>

namespace CLI {
class App;
}

namespace ablaze::cli {

/// Adds what single methods may be told to a subcommand's grammar; `options` is filled in when it is parsed.
void add_method_options(CLI::App& grammar, MethodOptions& options);

/// Adds what single channels are asked beside the map: for a command that draws and prints one photo's.
void add_channel_options(CLI::App& grammar, MethodOptions& options);

}  // namespace ablaze::cli
