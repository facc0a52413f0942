#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/image.hpp>

namespace ablaze::cli {

/// All that `ablaze explain` was asked to do.
struct ExplainTask {
  std::vector<std::string> inputs;
  std::string model;  ///< empty: the shipped one
  ExplainOptions options;
  std::filesystem::path out;
  OverlayOptions overlay;
  bool save_map = false, json = false, quiet = false;
};

/// Explains every input, writes the pictures and reports. Returns a Status.
int run_explain(const ExplainTask& task);

}  // namespace ablaze::cli
