#pragma once

#include <string>
#include <vector>

#include "cli/explain/run.hpp"

namespace CLI {
class App;
}

namespace ablaze::cli {

/// The words of `ablaze explain` about how maps are drawn, as they were given.
struct PictureWords {
  std::string out = "ablaze-out";
  bool save_map = false;
  std::string colours;  ///< empty: what suits the maps
  double opacity = 0.5;
  bool signed_maps = false;
  bool shared_scale = false;
  std::string box;  ///< empty: none
  bool sheet = false;
  std::string steps;
};

/// Adds them to the grammar; `words` must live as long as that.
void add_picture_options(CLI::App& grammar, PictureWords& words);

/// Puts what they mean into a task whose options say what is drawn. Throws UsageError.
void take_picture_words(const PictureWords& words, ExplainTask& task);

}  // namespace ablaze::cli
