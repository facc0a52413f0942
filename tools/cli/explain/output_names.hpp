#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <ablaze/model.hpp>

#include "cli/shell/inputs.hpp"

namespace ablaze::cli {

/// A file-name part for every class of a model: its label's slug. Classes with equal slugs (ImageNet has two
/// cranes) also get their index, whichever of them is explained, so that a class has the same name in all
/// calls.
class ClassFileNames {
 public:
  explicit ClassFileNames(const Model& model);
  const std::string& of(std::int64_t index) const { return names_.at(index); }

 private:
  std::vector<std::string> names_;
};

/// The output prefix of each input: folder/STEM below `out`, to which ".METHOD.LABEL.png" is added. Inputs
/// with equal prefixes (a/x.jpg and b/x.jpg, x.jpg and x.png) get -2, -3, ... in order.
std::vector<std::filesystem::path> output_prefixes(std::span<const Input> inputs,
                                                   const std::filesystem::path& out);

}  // namespace ablaze::cli
