#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <ablaze/model.hpp>

namespace ablaze::evaluate {

/// Which class a data set's name for it means. Unlike the words that a person types, these are taken whole:
/// a folder called "test" must not become the class "contest". Case, blanks, dashes and underscores do not
/// count; of a label such as "tench, Tinca tinca" each name will do.
class LabelIndex {
 public:
  explicit LabelIndex(const Model& model);

  /// Nothing where no class, or more than one, is called so.
  std::optional<std::int64_t> find(std::string_view name) const;
  /// The same, where a class's index in digits will do as well. Throws Error: `where` says which line named
  /// it.
  std::int64_t at(std::string_view name, const std::string& where) const;

 private:
  /// From the strictest reading to the loosest: the label, its slug, its names' slugs. Ambiguous: -1.
  using Names = std::map<std::string, std::int64_t, std::less<>>;
  static void add(const std::string& name, std::int64_t index, Names& names);

  const Model& model_;
  Names labels_, slugs_, parts_;
};

}  // namespace ablaze::evaluate
