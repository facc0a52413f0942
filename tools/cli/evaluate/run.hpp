#pragma once

#include <filesystem>
#include <string>

#include <ablaze/evaluate.hpp>
#include <ablaze/explain.hpp>

#include "evaluate/run/run.hpp"

namespace ablaze::cli {

/// All that `ablaze evaluate` was asked to do.
struct EvaluateTask {
  std::string photos;
  std::string model;            ///< empty: the shipped one
  std::filesystem::path boxes;  ///< a folder of VOC's XML files; empty: none
  ExplainOptions explain;
  EvaluateOptions evaluate;
  std::filesystem::path out;
  evaluate::Shard shard;
  bool json = false, quiet = false;
};

/// Measures what is not measured yet, and summarises. Returns a Status.
int run_evaluate(const EvaluateTask& task);

/// Writes the summary of a folder of results and prints it. Returns a Status: whether photos failed.
int summarise_run(const std::filesystem::path& folder, bool json, bool quiet);

}  // namespace ablaze::cli
