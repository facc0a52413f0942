#include "ablaze/explain_report.hpp"

#include <vector>

#include "base/text.hpp"

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
  return bold(style, base::printable(e.target.label)) + ": " + e.method + " at " + base::printable(e.layer) +
         " (" + to_string(e.layer_shape) + "), " + fixed(milliseconds, 1) + " ms";
}

}  // namespace

std::string paths_as_text(const WrittenFiles& files, std::string_view indent) {
  std::string text = std::string(indent) + shown(files.overlay) + "\n";
  if (!files.map.empty()) text += std::string(indent) + shown(files.map) + "\n";
  return text;
}

std::string explanations_as_text(const Style& style, const std::filesystem::path& input,
                                 std::span<const Explanation> explanations,
                                 std::span<const WrittenFiles> files) {
  std::string text = bold(style, shown(input)) + "\n";
  if (!explanations.empty()) text += class_bars(style, explanations.front().top);
  for (std::size_t i = 0; i < explanations.size(); ++i) {
    text += "  " + headline(style, explanations[i]) + "\n" + paths_as_text(files[i], "    ");
    if (!explanations[i].note.empty()) text += "    note: " + explanations[i].note + "\n";
  }
  return text + "\n";
}

Json explanation_as_json(const Model& model, const std::filesystem::path& input, const Explanation& e,
                         const WrittenFiles& files) {
  Json out{
      {"input", input.string()},
      {"model", model.source.string()},
      {"architecture", model.architecture},
      {"method", e.method},
      {"layer", e.layer},
      {"layer_shape", e.layer_shape},
      {"target", cli::to_json(e.target)},
      {"top", cli::to_json(e.top)},
      {"drops", null_where_empty(e.drops)},
      {"weights", null_where_empty(e.weights)},
      {"map", {{"height", e.map.dim(0)}, {"width", e.map.dim(1)}, {"values", e.map.values()}}},
      {"files", {{"overlay", files.overlay.string()}, {"map", null_where_empty(files.map)}}},
      {"milliseconds", to_json(e.milliseconds)},
  };
  if (!e.note.empty()) out["note"] = e.note;
  return out;
}

}  // namespace ablaze::cli
