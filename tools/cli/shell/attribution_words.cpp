#include "cli/shell/attribution_words.hpp"

#include <charconv>
#include <cmath>
#include <optional>

#include <CLI/CLI.hpp>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "base/text.hpp"
#include "cli/shell/inputs.hpp"
#include "cli/shell/method_options.hpp"

namespace ablaze::cli {

namespace {

constexpr const char* kResolutionGroup = "Resolution";

void add_resolution_options(CLI::App& grammar, AttributionWords& words) {
  grammar
      .add_option(
          "-l,--layer", words.layers,
          "Layer to explain (default: the model's target layer, see 'ablaze inspect'); several with --fuse")
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kResolutionGroup);
  grammar
      .add_flag(
          "--fuse{mean}", words.fuse,
          "Combine the maps of several layers into one map: mean, max (any layer's evidence) or product "
          "(evidence common to all layers)")
      ->group(kResolutionGroup);
  grammar
      .add_option("--smooth", words.smooth,
                  "Reduce noise: augment (mean over mirrored and scaled inputs, six times the work), "
                  "principal (first principal component of the weighted channels), or both")
      ->type_name("HOW")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kResolutionGroup);
  grammar
      .add_option("--size", words.size,
                  "Feed the network photos of N x N pixels instead of the model's crop: finer maps")
      ->type_name("N")
      ->check(CLI::Range(1, Image::max_side))
      ->group(kResolutionGroup);
}

void add_score_options(CLI::App& grammar, AttributionWords& words) {
  grammar
      .add_option("--score", words.score,
                  "Score to explain: logit, probability, margin (logit minus the runner-up's logit), or "
                  "margin=CLASS (logit minus that class's logit)")
      ->type_name("NAME")
      ->capture_default_str();
  grammar
      .add_option("--ablate", words.ablate,
                  "Value of an ablated channel: zero, mean (the channel's own mean), scale=S (the channel "
                  "times S), or mask=FILE (zero where the mask is 1; .npy or image of the layer's height and "
                  "width)")
      ->type_name("HOW")
      ->capture_default_str();
}

float parse_factor(const std::string& text) {
  float factor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(factor)) {
    throw UsageError("--ablate scale=\"" + base::printable(text) +
                     "\" needs a number, for example scale=0.5");
  }
  return factor;
}

Ablation parse_ablation(const std::string& text) {
  const auto equals = text.find('=');
  const std::string kind = text.substr(0, equals);
  const std::optional<std::string> value =
      equals == std::string::npos ? std::nullopt : std::optional(text.substr(equals + 1));
  if (kind == "zero" && !value) return {};
  if (kind == "mean" && !value) return {Ablation::Kind::mean, 0, {}};
  if (kind == "scale" && value) return {Ablation::Kind::scale, parse_factor(*value), {}};
  if (kind == "mask" && value) return {Ablation::Kind::mask, 0, load_mask(*value)};
  const std::vector<std::string> kinds{"zero", "mean", "scale=S", "mask=FILE"};
  throw UsageError("--ablate " + base::printable(text) + base::did_you_mean(text, kinds) + ": expected " +
                   base::join(kinds, " or "));
}

Score::Kind parse_score_kind(const std::string& name) {
  if (name == "logit") return Score::Kind::logit;
  if (name == "probability") return Score::Kind::probability;
  if (name == "margin") return Score::Kind::margin;
  const std::vector<std::string> names{"logit", "probability", "margin"};
  throw UsageError("--score " + base::printable(name) + base::did_you_mean(name, names) + ": expected " +
                   base::join(names, ", ") + " or margin=CLASS");
}

void parse_score(const std::string& text, ExplainOptions& options) {
  const auto equals = text.find('=');
  options.score = parse_score_kind(text.substr(0, equals));
  if (equals == std::string::npos) return;
  options.against = text.substr(equals + 1);
  if (options.score != Score::Kind::margin || options.against.empty())
    throw UsageError("--score " + base::printable(text) +
                     ": only margin takes a class, for example margin=parachute");
}

void take_layers(const AttributionWords& words, ExplainOptions& options) {
  if (words.fuse.empty()) {
    if (words.layers.size() > 1)
      throw UsageError("several layers (" + base::join(words.layers) +
                       ") need --fuse: add it, or give one layer");
    if (!words.layers.empty()) options.layer = words.layers.front();
    return;
  }
  if (words.layers.size() < 2)
    throw UsageError("--fuse needs at least two layers, for example --layer layer2,layer3,layer4 --fuse");
  options.fuse = words.layers;
  options.fusion = parse_fusion(words.fuse);
}

Smoothing parse_smoothing(const std::vector<std::string>& ways) {
  const std::vector<std::string> known{"augment", "principal"};
  Smoothing smoothing;
  for (const std::string& way : ways) {
    if (way == "augment") {
      smoothing.augment = true;
    } else if (way == "principal") {
      smoothing.principal = true;
    } else {
      throw UsageError("--smooth " + base::printable(way) + base::did_you_mean(way, known) + ": expected " +
                       base::join(known, " or "));
    }
  }
  return smoothing;
}

}  // namespace

void add_attribution_options(CLI::App& grammar, AttributionWords& words) {
  grammar.add_option("--method", words.methods, "Method ids (see 'ablaze methods'); may be repeated")
      ->type_name("ID")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  add_score_options(grammar, words);
  add_method_options(grammar, words.method);
  add_resolution_options(grammar, words);
}

ExplainOptions explain_options(const AttributionWords& words, const Common& common) {
  ExplainOptions options;
  options.methods = words.methods;
  parse_score(words.score, options);
  options.ablate = parse_ablation(words.ablate);
  options.method = words.method;
  take_layers(words, options);
  options.smooth = parse_smoothing(words.smooth);
  options.size = words.size;
  options.execution = common.execution;
  return options;
}

}  // namespace ablaze::cli
