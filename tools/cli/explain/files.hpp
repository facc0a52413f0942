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

/// The files written for one explanation; empty where not written.
struct WrittenFiles {
  std::filesystem::path overlay;
  std::filesystem::path map;           ///< --save-map
  std::filesystem::path signed_map;    ///< --save-map with --signed
  std::filesystem::path mask;          ///< --box, if there is a region
  std::filesystem::path paths;         ///< --paths: the curves
  std::filesystem::path interactions;  ///< --interactions: the matrix
  std::filesystem::path steps;         ///< --steps: the folder
  std::filesystem::path sheet;         ///< shared by all the input's explanations
};

/// An explanation's images: their paths and what they show in addition to the map.
struct Written {
  WrittenFiles files;
  ValueRange range;              ///< of the drawn map
  std::optional<Region> region;  ///< --box
};

/// Writes the images of `ablaze explain`. All file names of a call are distinct.
class ExplanationFiles {
 public:
  ExplanationFiles(const ExplainTask& task, const Model& model, std::span<const Input> inputs);

  /// Writes all images of one input; adds the times to the explanations. One entry per explanation. Throws
  /// Error.
  std::vector<Written> write(std::size_t input, const Picture& picture, std::span<Explanation> explanations);

 private:
  Written write_one(std::size_t input, const Picture& picture, const Image& photo,
                    const Explanation& explanation, const ValueRange& range);
  /// Writes the method's other findings as images.
  void write_findings(const std::filesystem::path& prefix, std::string_view name,
                      const Explanation& explanation, WrittenFiles& files);
  /// The path, numbered where this call has already written to it; creates its folder.
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
