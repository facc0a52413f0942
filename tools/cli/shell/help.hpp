#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace ablaze::cli {

/// The format of --help: a command's own options before the common ones, the value's name after an option,
/// its default after the description, and lines that fit a terminal.
std::shared_ptr<CLI::FormatterBase> help_format();

/// The group of the options common to all commands; the last in the help.
inline constexpr const char* kCommonGroup = "Everywhere";

}  // namespace ablaze::cli
