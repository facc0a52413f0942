#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <ablaze/explain.hpp>
#include <ablaze/tensor.hpp>

#include "base/json_fwd.hpp"
#include "cli/shell/inputs.hpp"
#include "cli/shell/terminal.hpp"

namespace ablaze::cli {

/// Prints "ablaze: error: ..." to standard error.
void print_error(std::string_view message);

/// Prints "ablaze: ..." to standard error, for the user's information. Not to be called with --quiet.
void print_remark(std::string_view message);

/// Prints the notes on a photo's file as remarks. Not to be called with --quiet.
void print_notes(const std::filesystem::path& input, const Picture& picture);

/// Prints text to standard output, unbuffered. Throws Error where it cannot be written (a full disk).
void print(std::string_view text);

/// A JSON value on one line; invalid UTF-8 is replaced, nan becomes null.
using base::Json;
void print_json(const Json& value);

/// What decoded a photo, and the notes on its file; null for a tensor.
Json to_json(const Picture& picture);
Json to_json(const ClassScore& score);
Json to_json(std::span<const ClassScore> scores);

/// A map [height, width] with all its numbers.
Json map_to_json(const Tensor& map);

/// Lines of the best classes, each with its probability and a bar.
std::string class_bars(const Style& style, std::span<const ClassScore> top);

/// A path for display, with control characters replaced.
std::string shown(const std::filesystem::path& path);

/// The message prefixed with the input's name, unless it contains the name.
std::string naming(const std::filesystem::path& input, const std::string& message);

/// Prints the failures and returns the Status, at the end of a command over several inputs.
int report_failures(std::span<const std::string> failures, std::size_t inputs);

/// Creates the folder of an output file. Throws Error.
void make_folder_of(const std::filesystem::path& file);

}  // namespace ablaze::cli
