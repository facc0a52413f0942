#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <ablaze/explain.hpp>
#include <ablaze/model.hpp>
#include <ablaze/pictures.hpp>

#include "cli/explain/files.hpp"
#include "cli/shell/output.hpp"
#include "cli/shell/terminal.hpp"

namespace ablaze::cli {

/// The paths only, one per line.
std::string paths_as_text(const WrittenFiles& files, std::string_view indent = "");
/// The path of one input's contact sheet, if there is one.
std::string sheet_as_text(std::span<const Written> written, std::string_view indent = "");

/// One input's classes and explanations as text; written[i] belongs to explanations[i].
std::string explanations_as_text(const Style& style, const std::filesystem::path& input,
                                 std::span<const Explanation> explanations, std::span<const Written> written);

/// One line of --json.
Json explanation_as_json(const Model& model, const std::filesystem::path& input, const Picture& picture,
                         const Explanation& explanation, const Written& written, const MapStyle& map_style);

}  // namespace ablaze::cli
