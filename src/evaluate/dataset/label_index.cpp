#include "evaluate/dataset/label_index.hpp"

#include <charconv>
#include <utility>

#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "models/class_names.hpp"

namespace ablaze::evaluate {
namespace {

constexpr std::int64_t kAmbiguous = -1;

std::optional<std::int64_t> index_of(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  return whole && value >= 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

LabelIndex::LabelIndex(const Model& model) : model_(model) {
  for (std::size_t i = 0; i < model.labels.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    std::string_view rest = model.labels[i];
    add(base::lower(model.labels[i]), index, labels_);
    add(base::slug(model.labels[i]), index, slugs_);
    for (auto comma = rest.find(','); comma != std::string_view::npos; comma = rest.find(',')) {
      add(base::slug(rest.substr(0, comma)), index, parts_);
      rest.remove_prefix(comma + 1);
    }
    add(base::slug(rest), index, parts_);
    // Labels of which each begins with the id, as in synset_words.txt.
    if (const auto id = model.labels[i].substr(0, 9); models::is_synset(id)) add(id, index, labels_);
  }
  for (std::size_t i = 0; i < model.synsets.size(); ++i) {
    if (!model.synsets[i].empty()) add(model.synsets[i], static_cast<std::int64_t>(i), labels_);
  }
}

void LabelIndex::add(const std::string& name, std::int64_t index, Names& names) {
  const auto [found, added] = names.try_emplace(name, index);
  if (!added && found->second != index) found->second = kAmbiguous;
}

std::optional<std::int64_t> LabelIndex::find(std::string_view name) const {
  const std::string slug = base::slug(name);
  if (slug.empty()) return std::nullopt;
  const std::string lower = base::lower(name);
  for (const auto& [names, word] :
       {std::pair(&labels_, &lower), std::pair(&slugs_, &slug), std::pair(&parts_, &slug)}) {
    const auto found = names->find(*word);
    if (found == names->end()) continue;
    return found->second == kAmbiguous ? std::nullopt : std::optional(found->second);
  }
  return std::nullopt;
}

std::int64_t LabelIndex::at(std::string_view name, const std::string& where) const {
  if (const auto found = find(name)) return *found;
  if (const auto index = index_of(name); index && *index < model_.class_count()) return *index;
  throw Error(where + ": \"" + base::printable(name) + "\" is not a class of the model" +
              base::did_you_mean(name, model_.labels) +
              (models::is_synset(name) ? std::string(". ") + kSynsetHelp : "") + "; expected one of its " +
              std::to_string(model_.class_count()) +
              " labels ('ablaze inspect --json' lists them) or an index");
}

}  // namespace ablaze::evaluate
