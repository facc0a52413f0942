#include "cli/explain/picture_options.hpp"

#include <charconv>

#include <CLI/CLI.hpp>

#include <ablaze/error.hpp>

#include "base/text.hpp"

namespace ablaze::cli {

namespace {

constexpr const char* kPicturesGroup = "Images";

void add_drawing_options(CLI::App& grammar, PictureWords& words) {
  grammar.add_flag("--signed", words.signed_maps, "Also draw evidence against the class, in blue")
      ->group(kPicturesGroup);
  grammar
      .add_flag("--shared-scale", words.shared_scale,
                "Draw one method's maps of several classes on one scale, so that they can be compared")
      ->group(kPicturesGroup);
  grammar
      .add_flag(
          "--box{0.2}", words.box,
          "Draw a box and a mask around the region with at least this share of the map's largest value, and "
          "write the mask")
      ->group(kPicturesGroup);
  grammar
      .add_option("--colours", words.colours,
                  "Colour map: " + base::join(colour_map_names(), " or ") +
                      " (default: inferno, or bluered for --signed)")
      ->type_name("NAME")
      ->group(kPicturesGroup);
  grammar.add_option("--opacity", words.opacity, "Opacity of the map over the photo, 0 to 1")
      ->type_name("X")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(kPicturesGroup);
}

void add_output_options(CLI::App& grammar, PictureWords& words) {
  grammar
      .add_option("-o,--out", words.out,
                  "Output folder of the images; it mirrors the subfolders of an input folder")
      ->type_name("DIR")
      ->capture_default_str()
      ->group(kPicturesGroup);
  grammar
      .add_flag("--save-map", words.save_map,
                "Also write each map as .npy (layer's resolution, unnormalised)")
      ->group(kPicturesGroup);
  grammar
      .add_flag("--sheet", words.sheet,
                "Write one sheet of all methods and classes (default with several methods)")
      ->group(kPicturesGroup);
  grammar
      .add_option(
          "--steps", words.steps,
          "Write the steps of each explanation into a folder below DIR: input, channels, running sum, ReLU "
          "and overlay as images, and steps.json; excludes --fuse and --smooth")
      ->type_name("DIR")
      ->group(kPicturesGroup);
}

ColourMap parse_colours(const PictureWords& words) {
  if (words.colours.empty()) return words.signed_maps ? ColourMap::bluered : ColourMap::inferno;
  const ColourMap colours = parse_colour_map(words.colours);
  if (words.signed_maps && !is_diverging(colours))
    throw UsageError("--signed needs a diverging colour map, but " + words.colours +
                     " is sequential: use bluered, or remove --colours");
  if (!words.signed_maps && is_diverging(colours))
    throw UsageError("--colours " + words.colours + " is for signed maps: add --signed");
  return colours;
}

double parse_share(const std::string& text) {
  double share = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error != std::errc{} || end != text.data() + text.size() || !(share > 0 && share <= 1))
    throw UsageError(
        "--box=" + base::printable(text) +
        ": expected a share of the map's largest value, above 0 and at most 1, for example --box=0.2");
  return share;
}

void take_steps(const PictureWords& words, ExplainTask& task) {
  if (words.steps.empty()) return;
  if (!task.options.fuse.empty() || task.options.smooth.augment || task.options.smooth.principal)
    throw UsageError(
        "--steps shows the steps of one layer's map from one run: remove --fuse and --smooth, or explain "
        "each layer separately");
  task.steps = words.steps;
  task.options.keep_activations = true;
}

}  // namespace

void add_picture_options(CLI::App& grammar, PictureWords& words) {
  add_drawing_options(grammar, words);
  add_output_options(grammar, words);
}

void take_picture_words(const PictureWords& words, ExplainTask& task) {
  task.style.colours = parse_colours(words);
  task.style.opacity = static_cast<float>(words.opacity);
  task.style.shared_scale = words.shared_scale;
  if (!words.box.empty()) task.style.box = parse_share(words.box);
  task.out = words.out;
  task.save_map = words.save_map;
  task.sheet = words.sheet;
  take_steps(words, task);
}

}  // namespace ablaze::cli
