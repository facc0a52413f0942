#pragma once

#include <string>
#include <vector>

#include "cli/explain/run.hpp"

namespace CLI {
class App;
}

namespace ablaze::cli {

/// The drawing options of `ablaze explain`, as given.
struct PictureWords {
  std::string out = "ablaze-out";
  bool save_map = false;
  std::string colours;  ///< empty: chosen by the kind of map
  double opacity = 0.5;
  bool signed_maps = false;
  bool shared_scale = false;
  std::string box;  ///< empty: none
  bool sheet = false;
  std::string steps;
};

/// Adds the options to the grammar; `words` must outlive it.
void add_picture_options(CLI::App& grammar, PictureWords& words);

/// Applies the options to a task, whose other options say what is drawn. Throws UsageError.
void take_picture_words(const PictureWords& words, ExplainTask& task);

}  // namespace ablaze::cli
