#include "models/config.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include <ablaze/error.hpp>

#include "base/folders.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "formats/text_file.hpp"
#include "models/class_names.hpp"
#include "models/hugging_face.hpp"
#include "models/metadata.hpp"

namespace ablaze::models {
namespace {

using json = base::SortedJson;
namespace fs = std::filesystem;

constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 20;
constexpr int kDeepest = 16;

/// A file's text; empty where the file does not exist.
std::string read_text(const fs::path& file) {
  return base::is_regular_file(file) ? formats::read_text_file(file, kMostBytes) : std::string();
}

/// The JSON object in a file's text; null where the text is empty.
json read_object(const std::string& text, const std::string& file) {
  if (text.empty()) return nullptr;
  json value = base::parse_json<json>(text, kDeepest);
  if (!value.is_object()) throw Error(file + " is not a JSON object");
  return value;
}

// ---- timm ---------------------------------------------------------------------------------------------

/// Fields that say nothing about how a photo is made ready.
constexpr std::array<std::string_view, 30> kTimmIrrelevant{"architecture",
                                                           "url",
                                                           "file",
                                                           "hf_hub_id",
                                                           "hf_hub_filename",
                                                           "source",
                                                           "tag",
                                                           "custom_load",
                                                           "license",
                                                           "origin_url",
                                                           "paper_name",
                                                           "paper_ids",
                                                           "description",
                                                           "num_classes",
                                                           "num_features",
                                                           "pool_size",
                                                           "first_conv",
                                                           "classifier",
                                                           "label_names",
                                                           "label_descriptions",
                                                           "fixed_input_size",
                                                           "min_input_size",
                                                           "notes",
                                                           "state_dict",
                                                           "label_offset",
                                                           "model_args",
                                                           "global_pool",
                                                           "pretrained_cfg",
                                                           "pretrained_model_name_or_path",
                                                           "id2label"};

Fit fit_of(const json& mode, Settings& settings) {
  if (mode.is_null() || mode == "center") return Fit::shorter;
  if (mode == "squash") return Fit::squash;
  if (mode == "border") return Fit::border;
  settings.not_used("crop_mode", "center instead; known are center, squash and border");
  return Fit::shorter;
}

/// The crop's sides.
void read_timm_size(Settings& settings, Preprocess& preprocess) {
  const json& size = settings.take("input_size");
  if (size.is_null()) return;
  if (!size.is_array() || size.size() != 3)
    return settings.not_used("input_size", "expected [3, height, width]");
  if (number(size[0]) != preprocess.channels) {
    return settings.refuse("input_size",
                           "the network takes " + std::to_string(preprocess.channels) + " channels");
  }
  const auto height = pixels(number(size[1])), width = pixels(number(size[2]));
  if (!height || !width) return settings.not_used("input_size", "expected numbers of pixels");
  preprocess.crop = preprocess.resize = *height;
  preprocess.crop_width = *width == *height ? 0 : *width;
}

/// timm: the crop is crop_pct of the resized image's side.
void read_timm(Settings& settings, Preprocess& preprocess) {
  read_timm_size(settings, preprocess);
  preprocess.fit = fit_of(settings.take("crop_mode"), settings);
  constexpr double usual_share = 0.875;
  const json& stated = settings.take("crop_pct");
  const auto share = stated.is_null() ? std::optional(usual_share) : number(stated);
  const auto side = share && *share > 0 ? pixels(preprocess.crop / *share) : std::nullopt;
  if (side) {
    preprocess.resize = *side;
    const double across = static_cast<double>(*side) * preprocess.width() / preprocess.crop;
    if (preprocess.width() != preprocess.crop && across != std::floor(preprocess.width() / *share)) {
      settings.note(
          "the photos are resized by the proportions of the input, at most a pixel wider than timm does, "
          "which rounds " +
          std::string("each side of it down"));
    }
  } else {
    settings.not_used("crop_pct", "the whole resized photo instead; expected a number from 0 to 1");
  }
  const json& filter = settings.take("interpolation");
  if (filter.is_null()) {
    preprocess.interpolation = Interpolation::bicubic;  // timm's default
  } else {
    try {
      preprocess.interpolation =
          interpolation_named(filter.is_string() ? filter.get<std::string>() : filter.dump());
    } catch (const Error& error) {
      settings.not_used("interpolation", to_string(preprocess.interpolation) + " instead; " + error.what());
    }
  }
  settings.take_colours("mean", preprocess.mean);
  settings.take_colours("std", preprocess.std);
  for (const char* const larger : {"test_input_size", "test_crop_pct"}) {
    if (!settings.take(larger).is_null())
      settings.not_used(larger, "timm's own default, without it, instead");
  }
}

bool says_preprocessing(const json& config) {
  static constexpr std::array<const char*, 5> fields{"crop_pct", "input_size", "crop_mode", "interpolation",
                                                     "mean"};
  const json& nested = member(config, "pretrained_cfg");
  if (nested.is_object()) return true;
  return std::ranges::any_of(fields, [&](const char* field) { return !member(config, field).is_null(); });
}

// ---- the network ---------------------------------------------------------------------------------------

/// What weights do not tell: fields that change what the network computes from the same tensors.
void check_network(Settings& config, const Model& model) {
  const bool describes_itself = model.architecture == "onnx";  // the fields are about another form of it
  const json& pool = config.take("global_pool");
  if (!pool.is_null() && pool != "avg" && pool != "" && pool != "fast" && !describes_itself)
    config.refuse_network("global_pool", "ablaze builds this network with an average pool");
  const json& activation = config.take("hidden_act");
  if (!activation.is_null() && activation != "relu" && !describes_itself)
    config.refuse_network("hidden_act", "ablaze builds this network with ReLU");
  for (const char* const moved : {"downsample_in_first_stage", "downsample_in_bottleneck"}) {
    if (config.take(moved) == true && !describes_itself)
      config.refuse_network(moved, "ablaze builds this network with its usual strides");
  }
  const json& arguments = config.take("model_args");
  if (arguments.is_object()) {
    for (const auto& [name, value] : arguments.items()) {
      static const std::set<std::string> shown_by_tensors{"num_classes", "img_size", "in_chans", "block",
                                                          "layers"};
      if (shown_by_tensors.contains(name)) continue;
      model_argument_note(config, name, value);
    }
  }
  const auto classes = number(config.take("num_classes"));
  if (classes && *classes != static_cast<double>(model.class_count()))
    config.not_used("num_classes", "the network has " + std::to_string(model.class_count()) + " classes");
}

void take_activation(Settings& config, Model& model) {
  const json& problem = config.take("problem_type");
  if (problem.is_null()) return;
  if (problem == "multi_label_classification") {
    model.activation = Activation::sigmoid;
  } else if (problem == "single_label_classification") {
    model.activation = Activation::softmax;
  } else if (problem == "regression") {
    model.activation = Activation::none;
  } else {
    return config.not_used("problem_type", to_string(model.activation) + " instead");
  }
  config.note("the activation of the logits, " + to_string(model.activation) + ", is from " + config.file() +
              " in the same folder");
}

// ---- labels --------------------------------------------------------------------------------------------

/// timm names ImageNet's classes by their WordNet ids, and describes them in a second field.
void describe(ClassNames& names, const json& descriptions) {
  if (!descriptions.is_object() || !std::ranges::all_of(names.labels, is_synset)) return;
  std::vector<std::string> labels;
  for (const std::string& id : names.labels) {
    const json& description = member(descriptions, id.c_str());
    if (!description.is_string() || description.get_ref<const std::string&>().empty()) return;
    labels.push_back(description.get<std::string>());
  }
  names.synsets = std::exchange(names.labels, std::move(labels));
}

void take_labels(Settings& config, Model& model) {
  const json* const sources[] = {&config.take("label_names"), &config.take("id2label"),
                                 &config.take("label2id")};
  const json& descriptions = config.take("label_descriptions");
  for (const json* const source : sources) {
    if (!source->is_structured() || source->empty()) continue;
    ClassNames names = class_names_in(*source, config.file());
    describe(names, descriptions);
    check_labels(names.labels, model.class_count(), config.file());
    model.labels = std::move(names.labels);
    model.synsets = std::move(names.synsets);
    config.note("the labels are from " + config.file() + " in the same folder");
    if (!descriptions.is_null() && model.synsets.empty())
      config.not_used("label_descriptions", "the label_names are the labels");
    return;
  }
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
  } catch (const RefusedSetting&) {
    throw;
  } catch (const Error& error) {
    model.notes.push_back(std::string("not used: ") + error.what());
  }
}

void read_config(const json& object, Model& model, OnRefusal on_refusal) {
  if (object.is_null()) return;
  Settings config(object, "config.json", model, on_refusal);
  try_step(model, [&] { take_labels(config, model); });
  take_activation(config, model);
  check_network(config, model);
  if (!says_preprocessing(object)) return config.note_what_looks_like_preprocessing();
  const json& nested = member(object, "pretrained_cfg");
  Settings settings(nested.is_object() ? nested : object, "config.json", model, on_refusal);
  settings.ignore(kTimmIrrelevant);
  try_step(model, [&] {
    Preprocess preprocess = model.preprocess;
    read_timm(settings, preprocess);
    take_preprocess(preprocess, "config.json", model);
  });
  if (nested.is_object()) {
    if (model.labels.empty()) try_step(model, [&] { take_labels(settings, model); });
    settings.note_unknown();
    config.note_what_looks_like_preprocessing();
  } else {
    settings.note_what_looks_like_preprocessing();
  }
}

}  // namespace

void apply_config(Model& model, OnRefusal on_refusal) {
  const fs::path folder = fs::path(model.source).parent_path();
  const auto read = [&](const char* name) {
    std::string text;
    try_step(model, [&] { text = read_text(folder / name); });
    return text;
  };
  const std::string config = read("config.json");
  apply_config(model, config, read("preprocessor_config.json"), on_refusal);
}

void apply_config(Model& model, const std::string& config_text, const std::string& preprocessor_text,
                  OnRefusal on_refusal) {
  try_step(model, [&] { read_config(read_object(config_text, "config.json"), model, on_refusal); });
  try_step(model, [&] {
    const json object = read_object(preprocessor_text, "preprocessor_config.json");
    if (object.is_null()) return;
    Settings settings(object, "preprocessor_config.json", model, on_refusal);
    Preprocess preprocess = model.preprocess;
    // Hugging Face wraps timm's models with timm's own fields.
    if (const json& nested = settings.take("pretrained_cfg"); nested.is_object()) {
      Settings timm(nested, "preprocessor_config.json", model, on_refusal);
      timm.ignore(kTimmIrrelevant);
      read_timm(timm, preprocess);
      timm.note_unknown();
    } else {
      read_hugging_face(settings, preprocess);
      settings.note_unknown();
    }
    take_preprocess(preprocess, "preprocessor_config.json", model);
  });
}

}  // namespace ablaze::models
