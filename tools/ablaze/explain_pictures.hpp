#pragma once

#include <string>
#include <vector>

#include "ablaze/explain_run.hpp"

namespace CLI {
class App;
}

namespace ablaze::cli {

/// The words of `ablaze explain` about how fine maps are and how they are drawn, as they were given.
struct PictureWords {
  std::vector<std::string> layers;
  std::string fuse;  ///< empty: not
  std::vector<std::string> smooth;
  int size = 0;
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

/// Puts what they mean into a task. Throws UsageError.
void take_picture_words(const PictureWords& words, ExplainTask& task);

}  // namespace ablaze::cli
