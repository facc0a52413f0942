#include "models/metadata.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <ablaze/error.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "models/class_names.hpp"

namespace ablaze::models {
namespace {

using json = base::SortedJson;

constexpr const char* kVersion = "1";
constexpr std::size_t kMostMetadata = std::size_t{16} << 20;  // enough for the labels of a million classes
constexpr std::int64_t kMostSide = 4096;
constexpr std::int64_t kMostInputChannels = 4096;

/// One key of one file's metadata, with its error messages.
struct Entry {
  std::string file;
  std::string key;
  const std::string* text;

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw Error(where() + " must be " + expected + ", not " + found + "; convert the model again");
  }
  std::string where() const { return file + ": the metadata's " + key; }
  std::string shown() const { return "\"" + base::printable(*text) + "\""; }

  json parse() const {
    if (text->size() > kMostMetadata) fail("at most 16 MiB of text", std::to_string(text->size()) + " bytes");
    json value = base::parse_json<json>(*text, 4);  // no valid value nests deeper
    if (value.is_discarded()) fail("JSON from ablaze", shown());
    return value;
  }
};

Entry entry(const Metadata& metadata, const Model& model, const char* key) {
  const auto it = metadata.find(key);
  return {model.source, key, it == metadata.end() ? nullptr : &it->second};
}

const json& member(const Entry& e, const json& object, const char* name) {
  if (!object.is_object()) e.fail("a JSON object", e.shown());
  const auto it = object.find(name);
  if (it == object.end()) e.fail(std::string("an object with \"") + name + "\"", e.shown());
  return *it;
}

std::int64_t integer(const Entry& e, const json& value, std::int64_t least, std::int64_t most,
                     const char* what) {
  // Conversion of an unsigned number above int64's range would give a negative one: the comparison rejects it
  // first.
  const bool whole =
      value.is_number_integer() &&
      !(value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(most));
  if (!whole || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most) {
    e.fail(std::string("an object whose \"") + what + "\" is an integer from " + std::to_string(least) +
               " to " + std::to_string(most),
           base::printable(value.dump()));
  }
  return value.get<std::int64_t>();
}

float number(const Entry& e, const json& value, const char* what) {
  const double v = value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
  // The comparison is false for NaN too.
  if (!(std::abs(v) <= static_cast<double>(std::numeric_limits<float>::max()))) {
    e.fail(std::string("an object whose \"") + what + "\" are finite numbers", base::printable(value.dump()));
  }
  return static_cast<float>(v);
}

std::array<float, 3> three_numbers(const Entry& e, const json& object, const char* name) {
  const json& value = member(e, object, name);
  if (!value.is_array() || value.size() != 3) {
    e.fail(std::string("an object whose \"") + name + "\" is three numbers, one per colour",
           base::printable(value.dump()));
  }
  std::array<float, 3> numbers{};
  for (std::size_t i = 0; i < 3; ++i) numbers[i] = number(e, value[i], name);
  return numbers;
}

void check_version(const Entry& e) {
  if (*e.text == kVersion) return;
  throw Error(e.where() + " is " + e.shown() + ", but this program reads version " + kVersion +
              "; use a newer ablaze, or convert the model again with this one");
}

std::vector<std::string> read_labels(const Entry& e, std::int64_t classes) {
  const json value = e.parse();
  if (!value.is_array()) e.fail("a JSON array of strings", e.shown());
  std::vector<std::string> labels;
  for (const json& label : value) {
    if (!label.is_string()) e.fail("a JSON array of strings", "one with " + base::printable(label.dump()));
    labels.push_back(label.get<std::string>());
  }
  check_labels(labels, classes, e.where());
  return labels;
}

/// WordNet ids; one may be empty.
std::vector<std::string> read_synsets(const Entry& e, std::int64_t classes) {
  const json value = e.parse();
  if (!value.is_array() || static_cast<std::int64_t>(value.size()) != classes) {
    e.fail("a JSON array of " + std::to_string(classes) + " strings, one per class", e.shown());
  }
  std::vector<std::string> synsets;
  for (const json& synset : value) {
    const std::string id = synset.is_string() ? synset.get<std::string>() : std::string("?");
    if (!id.empty() && !is_synset(id)) {
      e.fail("a JSON array of WordNet ids such as \"n01440764\"",
             "one with " + base::printable(synset.dump()));
    }
    synsets.push_back(id);
  }
  return synsets;
}

Preprocess read_preprocess(const Entry& e) {
  const json value = e.parse();
  Preprocess preprocess;
  preprocess.resize = static_cast<int>(integer(e, member(e, value, "size"), 1, kMostSide, "size"));
  preprocess.crop = static_cast<int>(integer(e, member(e, value, "crop"), 1, kMostSide, "crop"));
  if (value.contains("crop_width"))
    preprocess.crop_width = static_cast<int>(integer(e, value["crop_width"], 1, kMostSide, "crop_width"));
  if (value.contains("channels"))
    preprocess.channels = static_cast<int>(integer(e, value["channels"], 1, kMostInputChannels, "channels"));
  const json& interpolation = member(e, value, "interpolation");
  try {
    preprocess.interpolation = interpolation_named(
        interpolation.is_string() ? interpolation.get<std::string>() : interpolation.dump());
  } catch (const Error& error) {
    throw Error(e.where() + ": " + error.what());
  }
  if (const auto fit = value.find("fit"); fit != value.end()) {
    try {
      preprocess.fit = parse_fit(fit->is_string() ? fit->get<std::string>() : fit->dump());
    } catch (const Error& error) {
      throw Error(e.where() + ": " + error.what());
    }
  }
  preprocess.mean = three_numbers(e, value, "mean");
  preprocess.std = three_numbers(e, value, "std");
  check_preprocess(preprocess, e.where());
  return preprocess;
}

Activation read_activation(const Entry& e) {
  for (const Activation known : {Activation::softmax, Activation::sigmoid, Activation::none}) {
    if (*e.text == to_string(known)) return known;
  }
  e.fail("softmax, sigmoid or none", e.shown());
}

SelfTest read_selftest(const Entry& e, std::int64_t classes, std::int64_t channels) {
  const json value = e.parse();
  SelfTest test;
  const json& shape = member(e, value, "shape");
  if (!shape.is_array() || shape.size() != 4) {
    e.fail("an object whose \"shape\" is [1, channels, height, width]", base::printable(shape.dump()));
  }
  const std::array<std::int64_t, 4> least{1, channels, 1, 1};
  const std::array<std::int64_t, 4> most{1, channels, kMostSide, kMostSide};
  for (std::size_t axis = 0; axis < 4; ++axis) {
    test.input_shape.push_back(integer(e, shape[axis], least[axis], most[axis], "shape"));
  }
  const json& seed = member(e, value, "seed");
  if (!seed.is_number_unsigned()) {
    e.fail("an object whose \"seed\" is an integer from 0 to 2^64 - 1", base::printable(seed.dump()));
  }
  test.seed = seed.get<std::uint64_t>();
  const json& logits = member(e, value, "logits");
  if (!logits.is_array() || static_cast<std::int64_t>(logits.size()) != classes) {
    e.fail("an object whose \"logits\" are " + std::to_string(classes) + " numbers, one per class",
           logits.is_array() ? std::to_string(logits.size()) : base::printable(logits.dump()));
  }
  for (const json& logit : logits) test.logits.push_back(number(e, logit, "logits"));
  return test;
}

/// The double whose shortest decimal form is the float's: 0.485, not 0.48500001430511475.
double shortest(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double out = value;
  std::from_chars(text.data(), end, out);
  return out;
}

template <class Floats>
json floats(const Floats& values) {
  json array = json::array();
  for (const float value : values) array.push_back(shortest(value));
  return array;
}

bool is_json_text(const std::string& text) {
  try {
    return !json(text).dump().empty();
  } catch (const json::exception&) {
    return false;
  }
}

/// JSON is UTF-8; a label file may use any encoding.
void check_utf8(const Model& model) {
  for (std::size_t i = 0; i < model.labels.size(); ++i) {
    if (!is_json_text(model.labels[i])) {
      throw Error("label " + std::to_string(i) + " (" + base::printable(model.labels[i]) +
                  ") is not UTF-8; save the labels in UTF-8");
    }
  }
  if (!is_json_text(model.provenance) || !is_json_text(model.architecture)) {
    throw Error("the architecture's name and the provenance must be UTF-8");
  }
}

}  // namespace

void check_labels(const std::vector<std::string>& labels, std::int64_t classes, const std::string& where) {
  if (static_cast<std::int64_t>(labels.size()) != classes) {
    throw Error(where + ": found " + std::to_string(labels.size()) + " labels, but the network has " +
                std::to_string(classes) + " classes; give one label per class, in the order of the classes");
  }
  const auto empty = std::ranges::find(labels, std::string());
  if (empty != labels.end()) {
    throw Error(where + ": label " + std::to_string(empty - labels.begin()) +
                " is empty; give every class a label");
  }
}

Interpolation interpolation_named(const std::string& name) {
  if (name == "bilinear") return Interpolation::bilinear;
  if (name == "bicubic") return Interpolation::bicubic;
  throw Error("the interpolation must be bilinear or bicubic, not \"" + base::printable(name) + "\"");
}

void check_preprocess(const Preprocess& preprocess, const std::string& where) {
  const auto fail = [&](const std::string& what) { throw Error(where + ": " + what); };
  for (const auto& [name, size] : {std::pair{"size", preprocess.resize}, std::pair{"crop", preprocess.crop},
                                   std::pair{"crop", preprocess.width()}}) {
    if (size < 1 || size > kMostSide) {
      fail("the photo's " + std::string(name) + " must be from 1 to " + std::to_string(kMostSide) +
           " pixels, not " + std::to_string(size));
    }
  }
  for (std::size_t colour = 0; colour < 3; ++colour) {
    if (!std::isfinite(preprocess.mean[colour])) fail("the mean of every colour must be a finite number");
    if (!std::isfinite(preprocess.std[colour]) || preprocess.std[colour] <= 0) {
      fail("the std of every colour must be a finite number above 0, not " +
           std::to_string(preprocess.std[colour]));
    }
  }
}

std::string declared_architecture(const Metadata& metadata) {
  const auto it = metadata.find("ablaze.architecture");
  return it == metadata.end() ? std::string() : base::printable(it->second);  // shown wherever a model is
}

void apply_metadata(const Metadata& metadata, Model& model) {
  const std::int64_t classes = model.class_count();
  if (const Entry e = entry(metadata, model, "ablaze.version"); e.text) check_version(e);
  if (const Entry e = entry(metadata, model, "ablaze.labels"); e.text) model.labels = read_labels(e, classes);
  if (const Entry e = entry(metadata, model, "ablaze.synsets"); e.text)
    model.synsets = read_synsets(e, classes);
  if (const Entry e = entry(metadata, model, "ablaze.preprocess"); e.text)
    model.preprocess = read_preprocess(e);
  if (const Entry e = entry(metadata, model, "ablaze.activation"); e.text)
    model.activation = read_activation(e);
  if (const Entry e = entry(metadata, model, "ablaze.provenance"); e.text) model.provenance = *e.text;
  if (const Entry e = entry(metadata, model, "ablaze.selftest"); e.text) {
    model.selftest = read_selftest(e, classes, model.preprocess.channels);
  }
}

Metadata metadata_of(const Model& model) {
  check_utf8(model);
  const Preprocess& preprocess = model.preprocess;
  json preprocess_json{{"size", preprocess.resize},
                       {"crop", preprocess.crop},
                       {"interpolation", to_string(preprocess.interpolation)},
                       {"mean", floats(preprocess.mean)},
                       {"std", floats(preprocess.std)}};
  // Only where it is not the usual one, so that other files stay as they were.
  if (preprocess.fit != Fit::shorter) preprocess_json["fit"] = to_string(preprocess.fit);
  // Square photos in three colours are written as by earlier versions, which then read them.
  if (preprocess.width() != preprocess.crop) preprocess_json["crop_width"] = preprocess.crop_width;
  if (preprocess.channels != 3) preprocess_json["channels"] = preprocess.channels;
  Metadata metadata{{"ablaze.version", kVersion},
                    {"ablaze.architecture", model.architecture},
                    {"ablaze.preprocess", preprocess_json.dump()},
                    {"ablaze.activation", to_string(model.activation)}};
  if (!model.labels.empty()) metadata["ablaze.labels"] = json(model.labels).dump();
  if (!model.synsets.empty()) metadata["ablaze.synsets"] = json(model.synsets).dump();
  if (!model.provenance.empty()) metadata["ablaze.provenance"] = model.provenance;
  if (model.selftest) {
    const json selftest{{"shape", model.selftest->input_shape},
                        {"seed", model.selftest->seed},
                        {"logits", floats(model.selftest->logits)}};
    metadata["ablaze.selftest"] = selftest.dump();
  }
  return metadata;
}

}  // namespace ablaze::models
