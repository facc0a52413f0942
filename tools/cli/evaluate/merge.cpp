#include "evaluate/run/merge.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/evaluate/run.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/command_line.hpp"

namespace ablaze::cli {

namespace {

struct MergeWords {
  std::vector<std::string> folders;
  std::string out;
  bool json = false;
};

constexpr const char* kMergeExamples =
    "  ablaze merge results-0 results-1 results-2 --out results\n"
    "  ablaze merge results-* --out results\n";

int run(const MergeWords& words, const Common& common) {
  const std::vector<std::filesystem::path> folders(words.folders.begin(), words.folders.end());
  evaluate::merge_shards(folders, words.out);
  return summarise_run(words.out, words.json, common.quiet);
}

}  // namespace

Command merge_command(CLI::App& app, const Common& common) {
  CLI::App* grammar = app.add_subcommand("merge", "Merge the shards of 'ablaze evaluate'");
  const auto words = std::make_shared<MergeWords>();
  grammar->add_option("DIR", words->folders, "The folders of all shards, in any order")
      ->required()
      ->type_name("");
  grammar->add_option("-o,--out", words->out, "Output folder of the results and the summary")
      ->type_name("DIR")
      ->required();
  grammar->add_flag(
      "--json", words->json,
      "Print one JSON object per line, for each method and metric, and for each pair of methods");
  add_footer(*grammar, kMergeExamples);
  return {grammar, [words, &common] { return run(*words, common); }};
}

}  // namespace ablaze::cli
