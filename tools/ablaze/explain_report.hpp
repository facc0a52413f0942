#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <ablaze/explain.hpp>
#include <ablaze/model.hpp>

#include "ablaze/output.hpp"
#include "ablaze/terminal.hpp"

namespace ablaze::cli {

/// What was written for one explanation.
struct WrittenFiles {
  std::filesystem::path overlay;
  std::filesystem::path map;  ///< empty without --save-map
};

/// The paths alone, one a line.
std::string paths_as_text(const WrittenFiles& files, std::string_view indent = "");

/// One input's classes and explanations for a person to read; files[i] belongs to explanations[i].
std::string explanations_as_text(const Style& style, const std::filesystem::path& input,
                                 std::span<const Explanation> explanations,
                                 std::span<const WrittenFiles> files);

/// One line of --json.
Json explanation_as_json(const Model& model, const std::filesystem::path& input,
                         const Explanation& explanation, const WrittenFiles& files);

}  // namespace ablaze::cli
