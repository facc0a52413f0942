#pragma once

#include <string>
#include <vector>

#include <ablaze/explain.hpp>

#include "cli/shell/command.hpp"

namespace CLI {
class App;
}

namespace ablaze::cli {

/// The words of a command about what its maps are: methods, layers, scores; as they were given.
struct AttributionWords {
  std::vector<std::string> methods{"ablation"};
  std::string score = "logit";
  std::string ablate = "zero";
  MethodOptions method;
  std::vector<std::string> layers;
  std::string fuse;  ///< empty: not
  std::vector<std::string> smooth;
  int size = 0;
};

/// Adds them to the grammar; `words` must live as long as that.
void add_attribution_options(CLI::App& grammar, AttributionWords& words);

/// What they mean, but for the classes. Throws UsageError.
ExplainOptions explain_options(const AttributionWords& words, const Common& common);

}  // namespace ablaze::cli
