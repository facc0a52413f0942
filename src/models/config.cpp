#include "models/config.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <optional>

#include <ablaze/error.hpp>

#include "base/files.hpp"
#include "base/folders.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "models/metadata.hpp"

namespace ablaze::models {
namespace {

using json = base::SortedJson;
namespace fs = std::filesystem;

constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 20;
constexpr int kDeepest = 16;
constexpr std::int64_t kMostClasses = 1'000'000;

/// A file's text; empty where the file does not exist.
std::string read_text(const fs::path& file) {
  if (!base::is_regular_file(file)) return {};
  const auto bytes = base::read_file(file, kMostBytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The JSON object in a file's text; null where the text is empty.
json read_object(const std::string& text, const std::string& file) {
  if (text.empty()) return nullptr;
  json value = base::parse_json<json>(text, kDeepest);
  if (!value.is_object()) throw Error(file + " is not a JSON object");
  return value;
}

/// A member of an object; null where it does not exist.
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

std::optional<std::array<float, 3>> colours(const json& value) {
  if (!value.is_array() || value.size() != 3) return std::nullopt;
  std::array<float, 3> result{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto v = number(value[i]);
    if (!v) return std::nullopt;
    result[i] = static_cast<float>(*v);
  }
  return result;
}

/// A number of pixels; nothing where out of range.
std::optional<int> pixels(std::optional<double> value) {
  if (!value || !(*value >= 1) || *value > 65536) return std::nullopt;
  return static_cast<int>(std::floor(*value));
}

/// timm's "label_names", or Hugging Face's "id2label", whose keys are the classes as text.
std::vector<std::string> labels_in(const json& config, std::int64_t classes) {
  std::vector<std::string> labels;
  const json& names = member(config, "label_names");
  const json& by_id = member(config, "id2label");
  if (classes < 1 || classes > kMostClasses) return labels;
  for (std::int64_t i = 0; i < classes; ++i) {
    const json& label = names.is_array() && i < static_cast<std::int64_t>(names.size())
                            ? names[i]
                            : member(by_id, std::to_string(i).c_str());
    if (label.is_string()) labels.push_back(label.get<std::string>());
  }
  return labels;
}

/// timm: the crop is crop_pct of the resized image's shorter side.
void read_timm(const json& config, Preprocess& preprocess) {
  const json& nested = member(config, "pretrained_cfg");
  const json& settings = nested.is_object() ? nested : config;
  if (const json& size = member(settings, "input_size"); size.is_array() && size.size() == 3) {
    if (const auto side = pixels(number(size[2]))) preprocess.crop = preprocess.resize = *side;
  }
  if (const auto share = number(member(settings, "crop_pct")); share && *share > 0 && *share <= 1) {
    if (const auto side = pixels(preprocess.crop / *share)) preprocess.resize = *side;
  }
  if (const json& filter = member(settings, "interpolation"); filter.is_string())
    preprocess.interpolation = interpolation_named(filter.get<std::string>());
  preprocess.mean = colours(member(settings, "mean")).value_or(preprocess.mean);
  preprocess.std = colours(member(settings, "std")).value_or(preprocess.std);
}

/// Hugging Face: below 384 pixels the image is resized to size / crop_pct and cropped, as for ConvNeXt.
void read_hugging_face(const json& settings, Preprocess& preprocess) {
  const json& size = member(settings, "size");
  const json& edge = size.is_object() ? member(size, "shortest_edge") : size;
  if (const auto side = pixels(number(edge))) preprocess.crop = preprocess.resize = *side;
  const auto share = number(member(settings, "crop_pct"));
  constexpr int cropped_below = 384;
  if (share && *share > 0 && *share <= 1 && preprocess.crop < cropped_below) {
    if (const auto side = pixels(preprocess.crop / *share)) preprocess.resize = *side;
  }
  constexpr int pillow_bicubic = 3;
  if (const auto filter = number(member(settings, "resample")))
    preprocess.interpolation = *filter == pillow_bicubic ? Interpolation::bicubic : Interpolation::bilinear;
  preprocess.mean = colours(member(settings, "image_mean")).value_or(preprocess.mean);
  preprocess.std = colours(member(settings, "image_std")).value_or(preprocess.std);
}

bool says_preprocessing(const json& config) {
  return member(config, "pretrained_cfg").is_object() || member(config, "crop_pct").is_number() ||
         member(config, "input_size").is_array();
}

void take_labels(const json& config, const std::string& file, Model& model) {
  std::vector<std::string> labels = labels_in(config, model.class_count());
  if (labels.empty()) return;
  check_labels(labels, model.class_count(), file);
  model.labels = std::move(labels);
  model.notes.push_back("the labels are from " + file + " in the same folder");
}

void take_preprocess(const Preprocess& preprocess, const std::string& file, Model& model) {
  check_preprocess(preprocess, file);
  model.preprocess = preprocess;
  model.notes.push_back("the preprocessing is from " + file + " in the same folder");
}

/// Runs one of the steps; an invalid config file is no reason to reject the weights.
template <class Step>
void try_step(Model& model, const Step& step) {
  try {
    step();
  } catch (const Error& error) {
    model.notes.push_back(std::string("not used: ") + error.what());
  }
}

}  // namespace

void apply_config(Model& model) {
  const fs::path folder = fs::path(model.source).parent_path();
  const auto read = [&](const char* name) {
    std::string text;
    try_step(model, [&] { text = read_text(folder / name); });
    return text;
  };
  const std::string config = read("config.json");
  apply_config(model, config, read("preprocessor_config.json"));
}

void apply_config(Model& model, const std::string& config_text, const std::string& preprocessor_text) {
  try_step(model, [&] {
    const json config = read_object(config_text, "config.json");
    try_step(model, [&] { take_labels(config, "config.json", model); });
    if (!says_preprocessing(config)) return;
    Preprocess preprocess = model.preprocess;
    read_timm(config, preprocess);
    take_preprocess(preprocess, "config.json", model);
  });
  try_step(model, [&] {
    const json settings = read_object(preprocessor_text, "preprocessor_config.json");
    if (settings.is_null()) return;
    Preprocess preprocess = model.preprocess;
    read_hugging_face(settings, preprocess);
    take_preprocess(preprocess, "preprocessor_config.json", model);
  });
}

}  // namespace ablaze::models
