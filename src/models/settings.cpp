#include "models/settings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/json.hpp"
#include "base/text.hpp"

namespace ablaze::models {
namespace {

using json = base::SortedJson;

std::string text_of(const json& value) {
  return base::printable(value.dump(-1, ' ', false, json::error_handler_t::replace), 60);
}

std::optional<float> small_number(const json& value) {
  const auto v = number(value);
  if (!v || !(std::abs(*v) <= static_cast<double>(std::numeric_limits<float>::max()))) return std::nullopt;
  return static_cast<float>(*v);
}

bool looks_like_preprocessing(const std::string& name) {
  if (name == "mean" || name == "std") return true;
  static constexpr std::array<std::string_view, 14> parts{
      "crop",     "image_mean", "image_std",  "interpolation", "resample", "resize",   "rescale",
      "normaliz", "image_size", "input_size", "img_size",      "pixel",    "pad_size", "channel_order"};
  return std::ranges::any_of(parts,
                             [&](std::string_view part) { return name.find(part) != std::string::npos; });
}

}  // namespace

const json& member(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto it = object.find(name);
  return it == object.end() ? nothing : *it;
}

std::optional<double> number(const json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

std::optional<int> pixels(std::optional<double> value) {
  if (!value || !(*value >= 1) || *value > 65536) return std::nullopt;
  return static_cast<int>(std::floor(*value));
}

Settings::Settings(const json& object, std::string file, Model& model, OnRefusal on_refusal)
    : object_(object), file_(std::move(file)), model_(model), on_refusal_(on_refusal) {}

bool Settings::has(const char* name) const { return !member(object_, name).is_null(); }

const json& Settings::take(const char* name) {
  read_.insert(name);
  return member(object_, name);
}

void Settings::take_colours(const char* name, std::array<float, 3>& colours) {
  const json& value = take(name);
  if (value.is_null()) return;
  std::array<float, 3> found{};
  for (std::size_t i = 0; i < 3; ++i) {
    const bool one = value.is_number() || (value.is_array() && value.size() == 1);
    if (!one && !(value.is_array() && value.size() == 3))
      return not_used(name, "the usual values instead; expected three numbers");
    const auto v = small_number(value.is_number() ? value : value[one ? 0 : i]);
    if (!v) return not_used(name, "the usual values instead; expected three numbers");
    found[i] = *v;
  }
  colours = found;
}

void Settings::ignore(std::span<const std::string_view> names) {
  for (const std::string_view name : names) read_.emplace(name);
}

void Settings::note(std::string text) { model_.notes.push_back(std::move(text)); }

std::string Settings::shown(const std::string& name) const {
  return base::printable(name) + " " + text_of(member(object_, name.c_str())) + " of " + file_;
}

void Settings::not_used(const std::string& name, const std::string& why) {
  note("not used: " + shown(name) + " (" + why + ")");
}

void Settings::refuse_network(const std::string& name, const std::string& why) const {
  throw RefusedSetting(model_.source + ": " + shown(name) +
                       " in the same folder describes another network: " + why +
                       "; export the network to ONNX, which describes it whole");
}

void Settings::refuse(const std::string& name, const std::string& why) {
  if (on_refusal_ == OnRefusal::note) return not_used(name, why);
  throw RefusedSetting(
      model_.source + ": " + shown(name) + " in the same folder cannot be followed: " + why +
      "; 'ablaze convert' with --resize and --crop sets another preprocessing, or move the " +
      "file away to use the defaults");
}

void Settings::note_unknown() {
  for (const auto& [name, value] : object_.items()) {
    if (!read_.contains(name) && !value.is_null()) not_used(name, "ablaze does not know this field");
  }
}

void Settings::note_what_looks_like_preprocessing() {
  for (const auto& [name, value] : object_.items()) {
    if (read_.contains(name) || value.is_null() || !looks_like_preprocessing(name)) continue;
    not_used(name, "ablaze does not read it from this file");
  }
}

void model_argument_note(Settings& config, const std::string& name, const json& value) {
  config.note("not used: model_args." + base::printable(name) + " " + text_of(value) + " of " +
              config.file() + " (the network is built from its tensors alone)");
}

}  // namespace ablaze::models
