#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace ablaze::cli {

/// Lays out --help: a command's own options before those of all commands, the value's name after an option
/// and its default behind the description, lines that fit a terminal.
std::shared_ptr<CLI::FormatterBase> help_format();

/// The group of the options that every command has; the last in the help.
inline constexpr const char* common_group = "Everywhere";

}  // namespace ablaze::cli
