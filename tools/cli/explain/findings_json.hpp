#pragma once

#include <string>
#include <string_view>

#include <ablaze/findings.hpp>
#include <ablaze/model.hpp>

#include "cli/shell/output.hpp"

namespace ablaze::cli {

/// Adds what a method tells beside its map to a line of --json; nothing where it tells nothing.
void add_findings(Json& line, const Model& model, const Findings& findings);

/// The same in a few lines for a person, the strongest first.
std::string findings_as_text(const Findings& findings, std::string_view indent);

}  // namespace ablaze::cli
