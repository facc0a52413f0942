#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/pictures.hpp>

#include "cli/shell/command.hpp"

namespace ablaze::cli {

/// The arguments of `ablaze explain`.
struct ExplainTask {
  std::vector<std::string> inputs;
  ModelChoice model;
  ExplainOptions options;
  std::filesystem::path out;
  MapStyle style;
  bool save_map = false;
  bool sheet = false;           ///< a contact sheet even for one method
  std::filesystem::path steps;  ///< folder for the steps; empty: none
  bool json = false, quiet = false;
};

/// Explains every input, writes the images and reports. Returns a Status.
int run_explain(const ExplainTask& task);

}  // namespace ablaze::cli
