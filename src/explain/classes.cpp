#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/explain.hpp>

#include "base/text.hpp"
#include "explain/class_words.hpp"

namespace ablaze {

namespace explain {
namespace {

constexpr std::size_t kMaxCandidatesNamed = 6;

std::string quoted(const std::string& text) { return "\"" + base::printable(text) + "\""; }

std::string class_range(const Model& model) {
  return "the model has " + std::to_string(model.class_count()) + " classes, 0 to " +
         std::to_string(model.class_count() - 1);
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The number, or nothing if it is too large.
std::optional<std::int64_t> number(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

ClassRequest class_by_index(const Model& model, const std::string& word) {
  const auto index = number(word);
  if (!index || *index >= model.class_count()) {
    throw UsageError("no class " + base::printable(word) + ": " + class_range(model));
  }
  return {.index = *index};
}

ClassRequest best_classes(const Model& model, const std::string& word) {
  const auto count = number(std::string_view(word).substr(3));
  if (!count || *count < 1 || *count > model.class_count()) {
    throw UsageError(base::printable(word) + " selects classes that do not exist: " + class_range(model));
  }
  return {.best = static_cast<int>(*count)};
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

/// Whether `word` is one of the names in a label such as "tench, Tinca tinca".
bool is_a_name_of(const std::string& word, std::string_view label) {
  while (true) {
    const auto comma = label.find(',');
    if (trimmed(label.substr(0, comma)) == word) return true;
    if (comma == std::string_view::npos) return false;
    label.remove_prefix(comma + 1);
  }
}

/// Lower case, with blanks for underscores: Keras's labels have them ("golf_ball").
std::string comparable(std::string_view text) {
  std::string out = base::lower(text);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

template <typename Predicate>
std::vector<std::int64_t> classes_where(std::span<const std::string> labels, Predicate fits) {
  std::vector<std::int64_t> found;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (fits(labels[i])) found.push_back(static_cast<std::int64_t>(i));
  }
  return found;
}

/// All classes that match the word by the strictest rule with a match: the whole label, one of its
/// comma-separated names, any part of it.
std::vector<std::int64_t> candidates(const Model& model, const std::string& word) {
  std::vector<std::string> labels;
  for (const std::string& label : model.labels) labels.push_back(comparable(label));
  const std::string wanted = comparable(trimmed(word));
  if (wanted.empty()) return {};

  auto found = classes_where(labels, [&](const std::string& label) { return label == wanted; });
  if (found.empty()) {
    found = classes_where(labels, [&](const std::string& label) { return is_a_name_of(wanted, label); });
  }
  if (found.empty()) {
    found = classes_where(labels,
                          [&](const std::string& label) { return label.find(wanted) != std::string::npos; });
  }
  return found;
}

std::string listed(const Model& model, std::span<const std::int64_t> indices) {
  std::vector<std::string> names;
  for (const auto index : indices.first(std::min(indices.size(), kMaxCandidatesNamed))) {
    names.push_back(quoted(model.label(index)) + " (" + std::to_string(index) + ")");
  }
  if (indices.size() > names.size()) names.push_back(std::to_string(indices.size() - names.size()) + " more");
  return base::join(names);
}

/// The labels and their names, for suggestions after a typing error.
std::vector<std::string> known_names(const Model& model) {
  std::vector<std::string> names;
  for (const std::string& label : model.labels) {
    names.push_back(label);
    for (std::string_view rest = label; rest.find(',') != std::string_view::npos;) {
      const auto comma = rest.find(',');
      names.push_back(trimmed(rest.substr(0, comma)));
      rest.remove_prefix(comma + 1);
    }
  }
  return names;
}

ClassRequest class_by_label(const Model& model, const std::string& word) {
  if (model.labels.empty()) {
    throw UsageError("no class " + quoted(word) +
                     ": the model has no labels; give a class by its index, 0 to " +
                     std::to_string(model.class_count() - 1));
  }
  const auto found = candidates(model, word);
  if (found.empty()) {
    throw UsageError("no class " + quoted(word) + base::did_you_mean(word, known_names(model)) + ": " +
                     class_range(model));
  }
  if (found.size() > 1) {
    throw UsageError("class " + quoted(word) + " is ambiguous: it may be " + listed(model, found) +
                     "; give more of the label, or the index");
  }
  return {.index = found.front()};
}

ClassRequest parse_class_word(const Model& model, const std::string& word) {
  if (is_digits(word)) return class_by_index(model, word);
  if (word.starts_with("top") && is_digits(std::string_view(word).substr(3)))
    return best_classes(model, word);
  return class_by_label(model, word);
}

/// Class indices by descending logit; NaN last; ties: the lower index.
std::vector<std::int64_t> ranking(std::span<const float> logits) {
  std::vector<std::int64_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto key = [&](std::int64_t i) {
    const float logit = logits[i];
    return std::isnan(logit) ? -std::numeric_limits<float>::infinity() : logit;
  };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) > key(b); });
  return order;
}

std::vector<ClassScore> scored(const Model& model, std::span<const float> logits,
                               std::span<const std::int64_t> indices) {
  const bool has_probabilities = model.activation != Activation::none;
  const auto chances = has_probabilities ? probabilities(logits, model.activation) : std::vector<double>();
  std::vector<ClassScore> scores;
  for (const auto index : indices) {
    const auto i = static_cast<std::size_t>(index);
    const double chance = has_probabilities ? chances[i] : std::numeric_limits<double>::quiet_NaN();
    scores.push_back({index, model.label(index), static_cast<double>(logits[i]), chance});
  }
  return scores;
}

}  // namespace

std::vector<ClassRequest> parse_class_words(const Model& model, std::span<const std::string> words) {
  std::vector<ClassRequest> requests;
  for (const std::string& word : words) requests.push_back(parse_class_word(model, word));
  return requests;
}

std::vector<ClassScore> answer_requests(const Model& model, std::span<const float> logits,
                                        std::span<const ClassRequest> requests) {
  const auto order = ranking(logits);
  std::vector<std::int64_t> chosen;
  std::set<std::int64_t> seen;
  const auto choose = [&](std::int64_t index) {
    if (seen.insert(index).second) chosen.push_back(index);
  };
  for (const ClassRequest& request : requests) {
    if (request.index >= 0) choose(request.index);
    for (std::size_t i = 0; i < static_cast<std::size_t>(request.best); ++i) choose(order.at(i));
  }
  return scored(model, logits, chosen);
}

}  // namespace explain

std::vector<ClassScore> top_classes(const Model& model, std::span<const float> logits, int count) {
  const auto order = explain::ranking(logits);
  const auto most = std::min(order.size(), static_cast<std::size_t>(std::max(count, 0)));
  return explain::scored(model, logits, std::span(order).first(most));
}

std::vector<ClassScore> resolve_classes(const Model& model, std::span<const float> logits,
                                        std::span<const std::string> words) {
  return explain::answer_requests(model, logits, explain::parse_class_words(model, words));
}

}  // namespace ablaze
