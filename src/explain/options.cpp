#include "explain/options.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "base/text.hpp"
#include "explain/class_words.hpp"

namespace ablaze::explain {

namespace {

const cam::Method& method_named(const std::string& id) {
  if (const cam::Method* method = cam::find_method(id)) return *method;
  std::vector<std::string> known;
  for (const cam::Method* method : cam::methods()) known.emplace_back(method->id);
  throw UsageError("no method \"" + base::printable(id) + "\"" + base::did_you_mean(id, known) +
                   ": the methods are " + base::join(known));
}

/// The layer to explain, checked as far as possible without an input.
std::string explainable_layer(const Model& model, const std::string& requested) {
  const std::string layer = requested.empty() ? model.default_layer : requested;
  const auto node = static_cast<std::size_t>(model.graph.find(layer));
  const auto shapes = model.graph.infer_shapes(model.input_shape());
  if (shapes.at(node).size() != 4) {
    throw UsageError("layer " + base::printable(layer) + " has no height and width (its output is " +
                     to_string(shapes[node]) +
                     "), so it has no map: choose a layer before the flattening, for example " +
                     model.default_layer);
  }
  return layer;
}

}  // namespace

std::vector<const cam::Method*> methods_named(const std::vector<std::string>& ids) {
  std::vector<const cam::Method*> chosen;
  for (const std::string& id : ids) {
    const cam::Method* method = &method_named(id);
    if (std::find(chosen.begin(), chosen.end(), method) == chosen.end()) chosen.push_back(method);
  }
  return chosen;
}

std::vector<std::string> explainable_layers(const Model& model, const ExplainOptions& options) {
  if (options.fuse.empty()) return {explainable_layer(model, options.layer)};
  if (!options.layer.empty())
    throw UsageError("give either one layer to explain or several layers to fuse, not both");
  std::vector<std::string> layers;
  for (const std::string& requested : options.fuse) {
    const std::string layer = explainable_layer(model, requested);
    if (std::find(layers.begin(), layers.end(), layer) != layers.end())
      throw UsageError("layer " + base::printable(layer) + " is given twice to fuse: give each layer once");
    layers.push_back(layer);
  }
  return layers;
}

Model at_size(Model model, int size) {
  if (size == 0) return model;
  Preprocess& how = model.preprocess;
  const double resize = std::round(static_cast<double>(how.resize) * size / how.crop);
  if (size < 1 || size > Image::max_side || resize < 1 || resize > Image::max_side) {
    throw UsageError("cannot resize photos to " + std::to_string(size) + " pixels: give a size from 1 to " +
                     std::to_string(Image::max_side));
  }
  how.resize = static_cast<int>(resize);
  if (how.width() != how.crop)
    how.crop_width =
        std::max(1, static_cast<int>(std::lround(static_cast<double>(how.width()) * size / how.crop)));
  how.crop = size;
  try {
    model.graph.infer_shapes(model.input_shape());
  } catch (const Error& error) {
    throw UsageError("the network cannot take photos of " + std::to_string(how.width()) + "x" +
                     std::to_string(size) + " pixels (" + error.what() +
                     "): it must be convolutional up to an adaptive pool, and the " +
                     "photo large enough for its layers");
  }
  return model;
}

std::int64_t other_class(const Model& model, const ExplainOptions& options) {
  if (options.against.empty()) return -1;
  if (options.score != Score::Kind::margin)
    throw UsageError("only the margin score takes another class: choose that score, or remove the class");
  const ClassRequest other = parse_class_words(model, {&options.against, 1}).front();
  if (other.index < 0)
    throw UsageError("the margin takes one class, not " + base::printable(options.against) +
                     ": give its index or its label");
  return other.index;
}

void require_readable_score(const Model& model, Score::Kind kind) {
  if (kind == Score::Kind::probability && model.activation == Activation::none) {
    throw UsageError("the model's outputs are not probabilities (its head has no activation): use the logit");
  }
}

}  // namespace ablaze::explain
