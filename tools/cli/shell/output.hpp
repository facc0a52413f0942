#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <ablaze/explain.hpp>
#include <ablaze/tensor.hpp>

#include "base/json.hpp"
#include "cli/shell/inputs.hpp"
#include "cli/shell/terminal.hpp"

namespace ablaze::cli {

/// "ablaze: error: ..." on standard error.
void print_error(std::string_view message);

/// "ablaze: ..." on standard error: what a person should know. Not where --quiet is.
void print_remark(std::string_view message);

/// Text on standard output, at once. Throws Error where it cannot be written (a full disk).
void print(std::string_view text);

/// A JSON value in one line; text that is not UTF-8 is mended, nan becomes null.
using base::Json;
void print_json(const Json& value);

Json to_json(const ClassScore& score);
Json to_json(std::span<const ClassScore> scores);

/// A map [height, width] with all its numbers.
Json map_to_json(const Tensor& map);

/// Lines of the best classes, each with its probability and a bar.
std::string class_bars(const Style& style, std::span<const ClassScore> top);

/// A path as a person reads it: control characters made harmless.
std::string shown(const std::filesystem::path& path);

/// The message with the input's name before it, unless it says it already.
std::string naming(const std::filesystem::path& input, const std::string& message);

/// Prints what failed and returns the Status: the end of a command over several inputs.
int report_failures(std::span<const std::string> failures, std::size_t inputs);

/// Makes the folder that a file is to go to. Throws Error.
void make_folder_of(const std::filesystem::path& file);

}  // namespace ablaze::cli
