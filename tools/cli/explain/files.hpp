#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include <ablaze/explain.hpp>
#include <ablaze/image.hpp>

#include "cli/explain/output_names.hpp"
#include "cli/explain/run.hpp"
#include "cli/shell/inputs.hpp"

namespace ablaze::cli {

/// What was written for one explanation; what was not is empty.
struct WrittenFiles {
  std::filesystem::path overlay;
  std::filesystem::path map;           ///< --save-map
  std::filesystem::path signed_map;    ///< --save-map with --signed
  std::filesystem::path mask;          ///< --box, where there is a region
  std::filesystem::path paths;         ///< --paths: the curves
  std::filesystem::path interactions;  ///< --interactions: the matrix
  std::filesystem::path steps;         ///< --steps: the folder
  std::filesystem::path sheet;         ///< of all the input's explanations
};

/// An explanation's pictures: where they are, and what they show beside the map.
struct Written {
  WrittenFiles files;
  ValueRange range;              ///< on which the map is drawn
  std::optional<Region> region;  ///< --box
};

/// Writes the pictures of `ablaze explain`. No two of a call's files share a name.
class ExplanationFiles {
 public:
  ExplanationFiles(const ExplainTask& task, const Model& model, std::span<const Input> inputs);

  /// Writes all of one input's; adds the times to the explanations. One entry an explanation. Throws Error.
  std::vector<Written> write(std::size_t input, const Picture& picture, std::span<Explanation> explanations);

 private:
  struct Canvas {
    Image photo;   ///< what the overlays are drawn on
    CropBox seen;  ///< where on it the network looked
  };
  Canvas canvas_of(const Picture& picture) const;
  Written write_one(std::size_t input, const Picture& picture, const Canvas& canvas,
                    const Explanation& explanation, const ValueRange& range);
  /// What the method found beside the map, as pictures.
  void write_findings(const std::filesystem::path& prefix, std::string_view name,
                      const Explanation& explanation, WrittenFiles& files);
  /// The path, numbered where this call has written to it already; its folder is made.
  std::filesystem::path claimed(const std::filesystem::path& prefix, std::string_view name,
                                std::string_view ending);

  const ExplainTask& task_;
  const Model& model_;
  std::span<const Input> inputs_;
  std::vector<std::filesystem::path> prefixes_, step_prefixes_;
  ClassFileNames class_names_;
  std::set<std::filesystem::path> taken_;
};

}  // namespace ablaze::cli
