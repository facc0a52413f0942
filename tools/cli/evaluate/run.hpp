#pragma once

#include <filesystem>
#include <string>

#include <ablaze/evaluate.hpp>
#include <ablaze/explain.hpp>

#include "cli/shell/command.hpp"
#include "evaluate/run/run.hpp"

namespace ablaze::cli {

/// The arguments of `ablaze evaluate`.
struct EvaluateTask {
  std::string photos;
  ModelChoice model;
  std::filesystem::path boxes;  ///< annotations, see evaluate::add_boxes; empty: none
  std::string synsets;          ///< a file of the classes' WordNet ids; empty: the model's own
  ExplainOptions explain;
  EvaluateOptions evaluate;
  std::filesystem::path out;
  evaluate::Shard shard;
  bool json = false, quiet = false;
};

/// Measures what the results lack, and summarises. Returns a Status.
int run_evaluate(const EvaluateTask& task);

/// Writes and prints the summary of a folder of results. Returns a Status: whether photos failed.
int summarise_run(const std::filesystem::path& folder, bool json, bool quiet);

}  // namespace ablaze::cli
