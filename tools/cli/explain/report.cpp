#include "cli/explain/report.hpp"

#include <cstdint>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/explain/findings_json.hpp"

namespace ablaze::cli {

namespace {

Json null_where_empty(const std::vector<double>& values) { return values.empty() ? Json() : Json(values); }

Json null_where_empty(const std::filesystem::path& path) {
  return path.empty() ? Json() : Json(path.string());
}

Json to_json(const Timing& milliseconds) {
  return {{"load", milliseconds.load},
          {"forward", milliseconds.forward},
          {"attribution", milliseconds.attribution},
          {"render", milliseconds.render}};
}

std::string headline(const Style& style, const Explanation& e) {
  const double milliseconds = e.milliseconds.forward + e.milliseconds.attribution;
  return bold(style, base::printable(e.target.label)) + ": " + e.method + " at " +
         base::printable(e.layer_names()) + " (" + to_string(e.layer_shape()) + "), " +
         fixed(milliseconds, 1) + " ms";
}

Json to_json(const WrittenFiles& files) {
  return {{"overlay", files.overlay.string()},
          {"map", null_where_empty(files.map)},
          {"signed_map", null_where_empty(files.signed_map)},
          {"mask", null_where_empty(files.mask)},
          {"paths", null_where_empty(files.paths)},
          {"interactions", null_where_empty(files.interactions)},
          {"steps", null_where_empty(files.steps)},
          {"sheet", null_where_empty(files.sheet)}};
}

/// The box in the photo's pixels, and the mask in the COCO data set's format.
Json to_json(const Region& region) {
  return {{"threshold", region.threshold},
          {"x", region.box.x},
          {"y", region.box.y},
          {"width", region.box.width},
          {"height", region.box.height},
          {"pixels", region.pixels},
          {"mask", {{"size", {region.mask_height, region.mask_width}}, {"counts", region.runs}}}};
}

/// Of all layers together: those of the only layer; of fused layers, the classes unless each layer reports
/// them.
Findings findings_of(const Explanation& e) {
  if (e.layers.size() == 1) return e.layers.front().findings;
  Findings findings;
  if (e.layers.front().findings.against.empty()) findings.against = e.against;
  return findings;
}

Json to_json(const Model& model, const LayerAttribution& layer) {
  Json out{{"layer", layer.layer},
           {"layer_shape", layer.layer_shape},
           {"drops", null_where_empty(layer.drops)},
           {"weights", null_where_empty(layer.weights)},
           {"map", map_to_json(layer.map)}};
  if (!layer.note.empty()) out["note"] = layer.note;
  add_findings(out, model, layer.findings);
  return out;
}

Json to_json(const Model& model, const std::vector<LayerAttribution>& layers) {
  Json list = Json::array();
  for (const LayerAttribution& layer : layers) list.push_back(to_json(model, layer));
  return list;
}

}  // namespace

std::string paths_as_text(const WrittenFiles& files, std::string_view indent) {
  std::string text;
  for (const auto* path : {&files.overlay, &files.map, &files.signed_map, &files.mask, &files.paths,
                           &files.interactions, &files.steps})
    if (!path->empty()) text += std::string(indent) + shown(*path) + "\n";
  return text;
}

std::string sheet_as_text(std::span<const Written> written, std::string_view indent) {
  if (written.empty() || written.front().files.sheet.empty()) return {};
  return std::string(indent) + shown(written.front().files.sheet) + "\n";
}

std::string explanations_as_text(const Style& style, const std::filesystem::path& input,
                                 std::span<const Explanation> explanations,
                                 std::span<const Written> written) {
  std::string text = bold(style, shown(input)) + "\n";
  if (!explanations.empty()) text += class_bars(style, explanations.front().top);
  for (std::size_t i = 0; i < explanations.size(); ++i) {
    text += "  " + headline(style, explanations[i]) + "\n" + paths_as_text(written[i].files, "    ");
    text += findings_as_text(findings_of(explanations[i]), "    ");
    if (!explanations[i].note.empty()) text += "    note: " + explanations[i].note + "\n";
  }
  if (const std::string sheet = sheet_as_text(written, "    "); !sheet.empty())
    text += "  all on one sheet\n" + sheet;
  return text + "\n";
}

Json explanation_as_json(const Model& model, const std::filesystem::path& input, const Picture& picture,
                         const Explanation& e, const Written& written, const MapStyle& map_style) {
  const bool fused = e.layers.size() > 1;
  Json out{
      {"input", input.string()},
      {"photo", cli::to_json(picture)},
      {"model", model.source},
      {"architecture", model.architecture},
      {"method", e.method},
      {"layer", e.layer_names()},
      {"layer_shape", e.layer_shape()},
      {"input_shape", e.input->shape()},
      {"target", cli::to_json(e.target)},
      {"top", cli::to_json(e.top)},
      {"drops", fused ? Json() : null_where_empty(e.layers.front().drops)},
      {"weights", fused ? Json() : null_where_empty(e.layers.front().weights)},
      {"divisor", e.divisor},
      {"map", map_to_json(e.map)},
  };
  if (is_diverging(map_style.colours)) out["signed_map"] = map_to_json(e.signed_map);
  if (fused) out["fused"] = to_json(model, e.layers);
  out["scale"] = {{"low", written.range.low}, {"high", written.range.high}};
  if (map_style.box) out["box"] = written.region ? to_json(*written.region) : Json();
  out["files"] = to_json(written.files);
  out["milliseconds"] = to_json(e.milliseconds);
  if (!e.note.empty()) out["note"] = e.note;
  add_findings(out, model, findings_of(e));
  return out;
}

}  // namespace ablaze::cli
