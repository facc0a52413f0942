#pragma once

#include <array>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include <ablaze/error.hpp>
#include <ablaze/model.hpp>

#include "base/json_fwd.hpp"

namespace ablaze::models {

/// What happens to a setting that ablaze cannot follow and that changes the answer.
enum class OnRefusal {
  fail,
  note  ///< the caller gives the preprocessing itself
};

/// A configuration file asks for what ablaze does not do.
class RefusedSetting : public Error {
 public:
  using Error::Error;
};

/// A member of an object; null where it does not exist.
const base::SortedJson& member(const base::SortedJson& object, const char* name);
std::optional<double> number(const base::SortedJson& value);
/// A number of pixels, rounded down; nothing where out of range.
std::optional<int> pixels(std::optional<double> value);

/// The fields of a configuration file, and which of them were read: the others are told.
class Settings {
 public:
  /// The notes go to the model.
  Settings(const base::SortedJson& object, std::string file, Model& model, OnRefusal on_refusal);

  const std::string& file() const { return file_; }
  bool has(const char* name) const;
  /// A field, read from now on; null where it does not exist.
  const base::SortedJson& take(const char* name);
  /// Three numbers, or one for all three channels; told where it is something else.
  void take_colours(const char* name, std::array<float, 3>& colours);
  void ignore(std::span<const std::string_view> names);

  void note(std::string text);
  /// "not used: FIELD VALUE of FILE (why)"
  void not_used(const std::string& name, const std::string& why);
  /// Throws RefusedSetting for a field of the network that the tensors do not show.
  [[noreturn]] void refuse_network(const std::string& name, const std::string& why) const;
  /// Throws RefusedSetting, or makes a note.
  void refuse(const std::string& name, const std::string& why);

  /// Tells each field that was not read.
  void note_unknown();
  /// The same, for names that speak of photos.
  void note_what_looks_like_preprocessing();

 private:
  std::string shown(const std::string& name) const;

  const base::SortedJson& object_;
  std::string file_;
  Model& model_;
  OnRefusal on_refusal_;
  std::set<std::string> read_;
};

/// Tells an argument of timm's model that the tensors do not show.
void model_argument_note(Settings& config, const std::string& name, const base::SortedJson& value);

}  // namespace ablaze::models
