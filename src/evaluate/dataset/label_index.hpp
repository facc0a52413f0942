#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <ablaze/model.hpp>

namespace ablaze::evaluate {

/// What to do where a data set names classes by WordNet ids that the model does not know.
inline constexpr const char* kSynsetHelp =
    "These are WordNet ids: tell the model's with --synsets FILE, for example synset_words.txt (n01440764 "
    "tench) or "
    "imagenet_class_index.json, or convert the model with such a file as --labels";

/// Maps a data set's class names to class indices. Unlike words on the command line, names must match
/// completely: a folder "test" must not match the class "contest". Ignores case, spaces, hyphens and
/// underscores; a label such as "tench, Tinca tinca" matches by each of its names,
/// and a class by its WordNet id.
class LabelIndex {
 public:
  explicit LabelIndex(const Model& model);

  /// Nothing if no class, or more than one, has the name.
  std::optional<std::int64_t> find(std::string_view name) const;
  /// The same, but also accepts a class index in digits. Throws Error; `where` is the line in its message.
  std::int64_t at(std::string_view name, const std::string& where) const;

 private:
  /// In order of strictness: the label, its slug, its names' slugs. Ambiguous: -1.
  using Names = std::map<std::string, std::int64_t, std::less<>>;
  static void add(const std::string& name, std::int64_t index, Names& names);

  const Model& model_;
  Names labels_, slugs_, parts_;
};

}  // namespace ablaze::evaluate
