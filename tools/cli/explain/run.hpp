#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/pictures.hpp>

namespace ablaze::cli {

/// All that `ablaze explain` was asked to do.
struct ExplainTask {
  std::vector<std::string> inputs;
  std::string model;  ///< empty: the shipped one
  ExplainOptions options;
  std::filesystem::path out;
  MapStyle style;
  bool save_map = false;
  bool sheet = false;           ///< a contact sheet of one method too
  std::filesystem::path steps;  ///< folder for the steps; empty: none
  bool json = false, quiet = false;
};

/// Explains every input, writes the pictures and reports. Returns a Status.
int run_explain(const ExplainTask& task);

}  // namespace ablaze::cli
