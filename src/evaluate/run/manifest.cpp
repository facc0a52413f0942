#include <charconv>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>
#include <ablaze/machine.hpp>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "evaluate/run/run.hpp"

namespace ablaze::evaluate {

namespace fs = std::filesystem;

namespace {

using base::Json;

// Increment when the meaning of results changes, so that older results belong to another run.
constexpr int kFormat = 1;
constexpr std::uint64_t kLargestManifest = std::uint64_t{16} << 20;
constexpr std::size_t kMaxShards = 1'000'000;
constexpr const char* kJpeg = "jpeg";

Json model_json(const Model& model) {
  const auto file = base::MappedFile::open(model.source);
  Json json{{"file", std::filesystem::path(model.source).filename().string()},
            {"architecture", model.architecture},
            {"sha256", base::sha256(file->bytes())}};
  if (!model.under.empty()) json["under"] = model.under;
  for (const std::string& part : model.parts)
    json["parts"].push_back(base::sha256(base::MappedFile::open(part)->bytes()));
  return json;
}

Json ablation_json(const Ablation& ablation) {
  switch (ablation.kind) {
    case Ablation::Kind::scale:
      return {{"scale", ablation.scale}};
    case Ablation::Kind::mean:
      return "mean";
    case Ablation::Kind::mask:
      return {{"mask", ablaze::to_string(ablation.mask.shape())},
              {"sha256", base::sha256(std::as_bytes(ablation.mask.values()))}};
    default:
      return "zero";
  }
}

Json method_json(const MethodOptions& method) {
  return {{"seed", method.seed},
          {"until", method.until},
          {"base", method.base},
          {"references", method.references},
          {"strength", method.strength}};
}

Json explain_json(const Model& model, const ExplainOptions& options) {
  const bool fused = !options.fuse.empty();
  const std::string layer = options.layer.empty() ? model.default_layer : options.layer;
  return {{"layer", fused ? Json(options.fuse) : Json(layer)},
          {"fusion", fused ? Json(ablaze::to_string(options.fusion)) : Json()},
          {"score", ablaze::to_string(options.score)},
          {"against", options.against},
          {"ablate", ablation_json(options.ablate)},
          {"method", method_json(options.method)},
          {"size", options.size},
          {"smooth", {{"augment", options.smooth.augment}, {"principal", options.smooth.principal}}}};
}

Json evaluate_json(const EvaluateOptions& options) {
  return {{"steps", options.steps},
          {"insertion", ablaze::to_string(options.insertion)},
          {"deletion", ablaze::to_string(options.deletion)},
          {"masked", ablaze::to_string(options.masked)},
          {"blur", {{"window", options.blur_window}, {"sigma", options.blur_sigma}}},
          {"tolerance", options.tolerance},
          {"of_label", options.of_label},
          {"signed_maps", options.signed_maps},
          {"seed", options.seed}};
}

/// What decides the last bits: of the photos, and of the network's numbers.
Json engine_json(const ExplainOptions& options) {
  return {{"isa", ablaze::to_string(resolve_isa(options.execution.isa))},
          {"winograd", options.execution.winograd},
          {kJpeg, jpeg_decoder()},
          {"memory", options.execution.memory_limit}};
}

/// Both values, shortened for an error message.
std::string both(const Json& wanted, const Json& found) {
  const auto text = [](const Json& value) {
    return base::printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 120);
  };
  return "now " + text(wanted) + ", there " + text(found);
}

/// Another decoder shows the network other pixels. Where a manifest names none, an older program wrote it.
std::string different_decoders(const Json& wanted, const Json& found) {
  const auto name = [](const Json& decoder) {
    return decoder.is_string() ? base::printable(decoder.get<std::string>())
                               : "one that an older ablaze did not record";
  };
  return "another decoder of JPEGs: now " + name(wanted) + ", there " + name(found);
}

/// The innermost part in which they differ: its name and both values.
std::string first_difference(const Json& wanted, const Json& found, const std::string& name) {
  if (!wanted.is_object() || !found.is_object()) return name + ": " + both(wanted, found);
  for (const auto& [key, value] : wanted.items()) {
    const std::string inner = name.empty() ? key : name + "." + key;
    if (!found.contains(key)) return inner + " is missing";
    if (value != found.at(key)) return first_difference(value, found.at(key), inner);
  }
  return name + ": " + both(wanted, found);
}

}  // namespace

std::size_t Shard::share_of(std::size_t photos) const { return (photos + count - 1 - index) / count; }

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* const last = text.data() + text.size();
  const auto [slash, error] = std::from_chars(text.data(), last, shard.index);
  const bool whole = error == std::errc{} && slash != last && *slash == '/';
  const auto [end, second] = std::from_chars(whole ? slash + 1 : last, last, shard.count);
  if (!whole || second != std::errc{} || end != last || shard.index >= shard.count ||
      shard.count > kMaxShards) {
    throw UsageError("--shard " + base::printable(text) +
                     ": expected I/N, the I-th of N equal parts, counted from 0, for example 0/8");
  }
  return shard;
}

std::string to_string(const Shard& shard) {
  return std::to_string(shard.index) + "/" + std::to_string(shard.count);
}

std::size_t Manifest::photos() const { return what->at("photos").at("count"); }
std::vector<std::string> Manifest::methods() const { return what->at("methods"); }
std::vector<std::string> Manifest::metrics() const { return what->at("metrics"); }

Manifest make_manifest(const Model& model, const ExplainOptions& explain, const EvaluateOptions& options,
                       const Dataset& dataset, const Shard& shard) {
  Json what{{"format", kFormat},
            {"model", model_json(model)},
            {"methods", explain.methods},
            {"metrics", options.metrics},
            {"explain", explain_json(model, explain)},
            {"evaluate", evaluate_json(options)},
            {"engine", engine_json(explain)},
            {"photos", {{"count", dataset.photos.size()}, {"sha256", signature(dataset)}}}};
  return {std::make_shared<const Json>(std::move(what)), shard};
}

Manifest read_manifest(const fs::path& folder) {
  const fs::path file = folder / kManifestName;
  const std::string name = base::printable(file.string(), 400);
  const auto bytes = base::read_file(file, kLargestManifest);
  const auto* const text = reinterpret_cast<const char*>(bytes.data());
  try {
    Json json = base::parse_json({text, bytes.size()});
    const Shard shard = parse_shard(json.at("shard"));
    json.erase("shard");
    Manifest manifest{std::make_shared<const Json>(std::move(json)), shard};
    if (manifest.what->at("format") != kFormat) {
      throw Error(name + ": another version of ablaze wrote it; measure again with another --out");
    }
    // Checks that all parts that are read later exist with the right type.
    manifest.photos(), manifest.methods(), manifest.metrics();
    return manifest;
  } catch (const Json::exception&) {
    throw Error(name + ": not a manifest of 'ablaze evaluate'; measure again with another --out");
  }
}

void write_manifest(const fs::path& folder, const Manifest& manifest) {
  Json json = *manifest.what;
  json["shard"] = to_string(manifest.shard);
  base::write_file(folder / kManifestName, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string difference(const Manifest& wanted, const Manifest& found) {
  // Converts as a file would: writing replaces invalid UTF-8.
  const Json here = base::parse_json(wanted.what->dump(-1, ' ', false, Json::error_handler_t::replace));
  const auto decoder = [](const Json& what) {
    const Json engine = what.value("engine", Json());
    return engine.is_object() ? engine.value(kJpeg, Json()) : Json();
  };
  if (decoder(here) != decoder(*found.what)) return different_decoders(decoder(here), decoder(*found.what));
  return here == *found.what ? std::string() : first_difference(here, *found.what, "");
}

}  // namespace ablaze::evaluate
