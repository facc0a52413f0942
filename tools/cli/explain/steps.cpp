#include "cli/explain/steps.hpp"

#include <algorithm>
#include <string>

#include "base/files.hpp"
#include "base/json.hpp"
#include "cli/shell/output.hpp"

namespace ablaze::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kStrongestReported = 48;

/// The strongest channels: the weight, and the drop if known.
Json strongest_channels(const Steps& steps, const Explanation& e) {
  const LayerAttribution& layer = e.layers.front();
  Json list = Json::array();
  for (const int channel : std::span(steps.order).first(std::min(steps.order.size(), kStrongestReported))) {
    const auto k = static_cast<std::size_t>(channel);
    list.push_back({{"channel", channel},
                    {"weight", layer.weights.empty() ? Json() : Json(layer.weights[k])},
                    {"drop", layer.drops.empty() ? Json() : Json(layer.drops[k])}});
  }
  return list;
}

Json running_sums(const Steps& steps) {
  Json list = Json::array();
  for (const RunningSum& sum : steps.sums) {
    list.push_back({{"channels", sum.channels},
                    {"least", sum.least},
                    {"largest", sum.largest},
                    {"difference", sum.difference}});
  }
  return list;
}

/// The numbers behind a step's image.
Json numbers_of(const std::string& step, const Steps& steps, const Explanation& e) {
  if (step == "input") return {{"shape", e.input->shape()}};
  if (step == "channels") return {{"shape", e.layer_shape()}, {"strongest", strongest_channels(steps, e)}};
  if (step == "sum") return {{"order", steps.order}, {"after", running_sums(steps)}};
  if (step == "relu")
    return {{"places_cut", steps.places_cut},
            {"before", map_to_json(e.signed_map)},
            {"after", map_to_json(e.map)}};
  return Json::object();
}

}  // namespace

void write_steps(const fs::path& folder, const fs::path& input, const Picture& picture, const Steps& steps,
                 const Explanation& e) {
  Json list = Json::array();
  for (std::size_t i = 0; i < steps.pictures.size(); ++i) {
    const StepPicture& step = steps.pictures[i];
    const std::string name = std::to_string(i + 1) + "-" + step.name + ".png";
    make_folder_of(folder / name);
    step.picture.save_png(folder / name);
    Json entry{{"name", step.name}, {"file", name}};
    entry.update(numbers_of(step.name, steps, e));
    list.push_back(std::move(entry));
  }
  Json out{{"input", input.string()},
           {"photo", to_json(picture)},
           {"method", e.method},
           {"layer", e.layer_names()},
           {"target", to_json(e.target)},
           {"divisor", e.divisor},
           {"steps", list}};
  if (!e.note.empty()) out["note"] = e.note;
  base::write_file(folder / "steps.json", out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace ablaze::cli
