#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <ablaze/model.hpp>

#include "cli/shell/inputs.hpp"

namespace ablaze::cli {

/// A file-name part for every class of a model: its label's slug. Classes whose slugs are one (ImageNet has
/// two cranes) carry their index as well, whichever of them is asked for, so that a class has one name in all
/// calls.
class ClassFileNames {
 public:
  explicit ClassFileNames(const Model& model);
  const std::string& of(std::int64_t index) const { return names_.at(index); }

 private:
  std::vector<std::string> names_;
};

/// Where each input's outputs go: folder/STEM below `out`, a prefix to which ".METHOD.LABEL.png" is added.
/// Inputs that would share one (a/x.jpg and b/x.jpg, x.jpg and x.png) are told apart by -2, -3, ... in their
/// order.
std::vector<std::filesystem::path> output_prefixes(std::span<const Input> inputs,
                                                   const std::filesystem::path& out);

}  // namespace ablaze::cli
