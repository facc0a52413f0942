#pragma once

#include <string>
#include <vector>

#include <ablaze/explain.hpp>

#include "cli/shell/command.hpp"

namespace CLI {
class App;
}

namespace ablaze::cli {

/// The options that define a command's maps (methods, layers, scores), as given.
struct AttributionWords {
  std::vector<std::string> methods{"ablation"};
  std::string score = "logit";
  std::string ablate = "zero";
  MethodOptions method;
  std::vector<std::string> layers;
  std::string fuse;  ///< empty: no fusion
  std::vector<std::string> smooth;
  int size = 0;
};

/// Adds the options to the grammar; `words` must outlive it.
void add_attribution_options(CLI::App& grammar, AttributionWords& words);

/// The options in `words`, except the classes. Throws UsageError.
ExplainOptions explain_options(const AttributionWords& words, const Common& common);

}  // namespace ablaze::cli
