#pragma once

#include <string>
#include <string_view>

#include <ablaze/methods.hpp>
#include <ablaze/model.hpp>

#include "cli/shell/output.hpp"

namespace ablaze::cli {

/// Adds a method's findings other than its map to a line of --json; nothing where there are none.
void add_findings(Json& line, const Model& model, const Findings& findings);

/// The same as a few lines of text, the strongest first.
std::string findings_as_text(const Findings& findings, std::string_view indent);

}  // namespace ablaze::cli
