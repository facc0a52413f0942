#include "cli/explain/files.hpp"

#include <string>
#include <utility>

#include "base/stopwatch.hpp"
#include "cli/explain/steps.hpp"
#include "cli/shell/network.hpp"
#include "cli/shell/output.hpp"
#include "formats/npy.hpp"

namespace ablaze::cli {

namespace fs = std::filesystem;

ExplanationFiles::ExplanationFiles(const ExplainTask& task, const Model& model, std::span<const Input> inputs)
    : task_(task),
      model_(model),
      inputs_(inputs),
      prefixes_(output_prefixes(inputs, task.out)),
      step_prefixes_(output_prefixes(inputs, task.steps)),
      class_names_(model) {}

fs::path ExplanationFiles::claimed(const fs::path& prefix, std::string_view name, std::string_view ending) {
  fs::path path = prefix;
  path += std::string(name) + std::string(ending);
  for (int number = 2; !taken_.insert(path).second; ++number) {
    path = prefix;
    path += std::string(name) + "-" + std::to_string(number) + std::string(ending);
  }
  make_folder_of(path);
  return path;
}

void ExplanationFiles::write_findings(const fs::path& prefix, std::string_view name,
                                      const Explanation& explanation, WrittenFiles& files) {
  if (explanation.layers.size() != 1) return;
  const Findings& findings = explanation.layers.front().findings;
  const std::string& layer = explanation.layers.front().layer;
  if (!findings.paths.empty()) {
    files.paths = claimed(prefix, name, ".paths.png");
    path_curves(layer, explanation.target, findings.paths).save_png(files.paths);
  }
  if (findings.interactions && !findings.interactions->channels.empty()) {
    files.interactions = claimed(prefix, name, ".interactions.png");
    interaction_matrix(layer, explanation.target, *findings.interactions).save_png(files.interactions);
  }
}

Written ExplanationFiles::write_one(std::size_t input, const Picture& picture, const Image& photo,
                                    const Explanation& explanation, const ValueRange& range) {
  const std::string name = "." + explanation.method + "." + class_names_.of(explanation.target.index);
  const fs::path& prefix = prefixes_[input];
  Written out{.files = {}, .range = range, .region = {}};
  out.files.overlay = claimed(prefix, name, ".png");
  const Image drawn = explanation_picture(photo, explanation, range, task_.style);
  drawn.save_png(out.files.overlay);
  if (task_.save_map) {
    out.files.map = claimed(prefix, name, ".npy");
    formats::write_npy(out.files.map, explanation.map);
  }
  if (task_.save_map && is_diverging(task_.style.colours)) {
    out.files.signed_map = claimed(prefix, name, ".signed.npy");
    formats::write_npy(out.files.signed_map, explanation.signed_map);
  }
  if (task_.style.box) {
    out.region =
        find_region(explanation.map, photo.width(), photo.height(), explanation.seen, *task_.style.box);
  }
  if (out.region) {
    out.files.mask = claimed(prefix, name, ".mask.png");
    mask_of(*out.region).save_png(out.files.mask);
  }
  write_findings(prefix, name, explanation, out.files);
  if (!task_.steps.empty()) {
    out.files.steps = claimed(step_prefixes_[input], name, "");
    write_steps(out.files.steps, inputs_[input].file, picture,
                draw_steps(model_.preprocess, explanation, drawn), explanation);
  }
  return out;
}

std::vector<Written> ExplanationFiles::write(std::size_t input, const Picture& picture,
                                             std::span<Explanation> explanations) {
  // A tensor has no photo: the maps are drawn on the image that the network saw.
  const Image photo = picture.tensor ? denormalise(*picture.tensor, model_.preprocess) : picture.photo;
  const auto ranges = drawn_ranges(explanations, task_.style);
  std::vector<Written> written;
  for (std::size_t i = 0; i < explanations.size(); ++i) {
    const base::Stopwatch render;
    written.push_back(write_one(input, picture, photo, explanations[i], ranges[i]));
    explanations[i].milliseconds.render = render.milliseconds();
  }
  const bool several_methods = explanations.front().method != explanations.back().method;
  if (task_.sheet || several_methods) {
    const fs::path sheet = claimed(prefixes_[input], ".sheet", ".png");
    contact_sheet(photo, explanations, task_.style, inputs_[input].file.filename().string()).save_png(sheet);
    for (Written& some : written) some.files.sheet = sheet;
  }
  return written;
}

}  // namespace ablaze::cli
