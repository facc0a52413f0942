#include "models/onnx.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <ablaze/error.hpp>

#include "formats/onnx/import.hpp"
#include "formats/tensor_file.hpp"
#include "models/graph_json.hpp"
#include "models/load.hpp"

namespace ablaze::models {
namespace {

// ---- the input's size --------------------------------------------------------------------------------

/// Most weights of two imports are views of the same bytes, which need not be read.
bool same_bytes(const Weight& a, const Weight& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  return a.bytes().data() == b.bytes().data() || std::ranges::equal(a.bytes(), b.bytes());
}

template <class Weighted>
bool same_weights(const Weighted& a, const Weighted& b) {
  if (!same_bytes(a.weight, b.weight) || !same_bytes(a.bias, b.bias)) return false;
  if constexpr (std::same_as<Weighted, op::BatchNorm>)
    return same_bytes(a.mean, b.mean) && same_bytes(a.variance, b.variance);
  return true;
}

bool same_weights(const Node& a, const Node& b) {
  return std::visit(
      [&](const auto& op) {
        using Operator = std::decay_t<decltype(op)>;
        if constexpr (requires { op.weight; }) return same_weights(op, std::get<Operator>(b.op));
        return true;
      },
      a.op);
}

bool same_network(const Graph& a, const Graph& b) {
  if (graph_to_json(a) != graph_to_json(b)) return false;
  for (NodeId id = 0; id < a.size(); ++id) {
    if (!same_weights(a.node(id), b.node(id))) return false;
  }
  return true;
}

/// Whether a file that computes with its input's size gives the same network for other sizes too. What an
/// exporter rounds differs at odd sizes, or modulo the network's strides.
bool fits_other_sizes(const formats::OnnxModel& onnx, const std::string& name,
                      const formats::OnnxNetwork& network) {
  constexpr std::array<std::array<std::int64_t, 2>, 4> sizes{
      {{256, 320}, {225, 231}, {243, 254}, {229, 239}}};
  bool fits = false;
  for (const auto& [height, width] : sizes) {
    try {
      const formats::OnnxNetwork other = formats::import_onnx(onnx, name, {.height = height, .width = width});
      if (!same_network(network.graph, other.graph)) return false;
      fits = true;
    } catch (const Error&) {  // a size that the network cannot take says nothing about the others
    }
  }
  return fits;
}

void fix_size(formats::OnnxNetwork& network) {
  const Shape& input = network.input;
  Graph fixed;
  for (const Node& node : network.graph.nodes()) {
    const bool first = fixed.size() == 0;
    fixed.add(node.name, first ? Op(op::Input{{input[1], input[2], input[3]}}) : node.op, node.inputs);
  }
  for (const auto& [name, node] : network.graph.aliases()) fixed.alias(name, node);
  network.graph = std::move(fixed);
  network.notes.push_back(
      "the file computes numbers of the network from its input's size; it is opened for " +
      std::to_string(input[2]) + " x " + std::to_string(input[3]) + " alone");
}

// ---- the range of the input's numbers ----------------------------------------------------------------

/// What the network itself does first with each channel of its input: x * scale + shift.
struct Affine {
  std::vector<double> scale, shift;
};

std::optional<Affine> own_normalisation(const Graph& graph) {
  const std::int64_t channels = std::get<op::Input>(graph.node(0).op).shape.at(0);
  Affine affine{std::vector<double>(channels, 1), std::vector<double>(channels, 0)};
  bool found = false;
  NodeId at = 0;
  while (true) {
    std::vector<NodeId> readers;
    for (NodeId id = at + 1; id < graph.size(); ++id) {
      const auto& inputs = graph.node(id).inputs;
      if (std::ranges::find(inputs, at) != inputs.end()) readers.push_back(id);
    }
    if (readers.size() != 1) break;
    const Op& op = graph.node(readers[0]).op;
    const auto* norm = std::get_if<op::BatchNorm>(&op);
    if (norm == nullptr && !std::holds_alternative<op::Identity>(op)) break;
    at = readers[0];
    if (norm == nullptr) continue;
    if (norm->mean.size() != channels) break;
    const Tensor mean = norm->mean.to_tensor(), variance = norm->variance.to_tensor();
    for (std::int64_t c = 0; c < channels; ++c) {
      const double weight = norm->weight ? static_cast<double>(norm->weight.to_tensor()[c]) : 1;
      const double bias = norm->bias ? static_cast<double>(norm->bias.to_tensor()[c]) : 0;
      const double scale = weight / std::sqrt(static_cast<double>(variance[c]) + norm->epsilon);
      affine.scale[c] *= scale;
      affine.shift[c] = (affine.shift[c] - static_cast<double>(mean[c])) * scale + bias;
    }
    found = true;
  }
  if (!found) return std::nullopt;
  return affine;
}

/// The largest pixel value, 1 or 255, for which the network's own normalisation gives numbers around zero, as
/// networks are trained on; 0 for neither.
double pixel_range(const Affine& affine) {
  for (const double range : {1.0, 255.0}) {
    bool fits = true;
    for (std::size_t c = 0; c < affine.scale.size(); ++c) {
      const double low = affine.shift[c], high = affine.shift[c] + affine.scale[c] * range;
      const double spread = std::abs(high - low), centre = (low + high) / 2;
      // Caffe's networks subtract the mean and keep the range of 255.
      const bool wide = range > 1 && spread > 100 && spread < 300;
      fits = fits && std::abs(centre) <= 0.75 * spread && ((spread >= 0.4 && spread <= 12) || wide);
    }
    if (fits) return range;
  }
  return 0;
}

void take_pixels(Preprocess& preprocess, double range) {
  preprocess.mean = {0, 0, 0};
  const auto std = static_cast<float>(1 / range);
  preprocess.std = {std, std, std};
}

void find_range(const formats::OnnxNetwork& network, Preprocess& preprocess,
                std::vector<std::string>& notes) {
  const auto affine = own_normalisation(network.graph);
  if (network.whole_numbers) {
    take_pixels(preprocess, 255);
    notes.emplace_back("the file's input is whole numbers: it is given the pixels from 0 to 255");
  } else if (affine) {
    const double range = pixel_range(*affine);
    if (range > 0) take_pixels(preprocess, range);
    notes.push_back(
        "the network itself scales and shifts its input; " +
        (range > 0
             ? "it is given pixels from 0 to " + std::to_string(static_cast<int>(range))
             : std::string("which pixels it expects does not follow from the numbers: it is given ImageNet's "
                           "normalisation")) +
        " (ablaze convert --mean, --std to change it)");
  }
}

/// As in ImageNet training, cropped from somewhat larger images unless they are small.
Preprocess preprocess_for(const Shape& input, std::vector<std::string>& notes) {
  Preprocess preprocess;
  preprocess.crop = static_cast<int>(input[2]);
  if (input[3] != input[2]) preprocess.crop_width = static_cast<int>(input[3]);
  constexpr int small = 96;
  preprocess.resize =
      preprocess.crop < small ? preprocess.crop : static_cast<int>(std::lround(preprocess.crop / 0.875));
  preprocess.channels = static_cast<int>(input[1]);
  if (input[1] == 1) {
    preprocess.mean = {0, 0, 0};
    preprocess.std = {1, 1, 1};
    notes.emplace_back(
        "the network takes grey images: it is given values from 0 to 1 (ablaze convert --mean, --std to "
        "change it)");
  } else if (input[1] != 3) {
    notes.push_back("the network takes " + std::to_string(input[1]) +
                    " channels: tensors (.npy), but no photos");
  }
  return preprocess;
}

}  // namespace

Model open_onnx(const std::shared_ptr<const base::MappedFile>& mapped, const std::filesystem::path& file,
                OnRefusal on_refusal) {
  const std::string name = file.string();
  const formats::OnnxModel onnx =
      formats::parse_onnx(mapped->bytes(), mapped, formats::externals_beside(file), name);
  formats::OnnxNetwork imported = formats::import_onnx(onnx, name);
  constexpr std::int64_t most_side = 4096, most_channels = 4096;
  const Shape& input = imported.input;
  if (input[1] > most_channels || input[2] > most_side || input[3] > most_side)
    throw Error(name + ": the network's input " + to_string(input) + " is out of range; expected at most " +
                to_string(Shape{1, most_channels, most_side, most_side}));
  if (imported.reads_its_size && !fits_other_sizes(onnx, name, imported)) fix_size(imported);
  Preprocess preprocess = preprocess_for(imported.input, imported.notes);
  find_range(imported, preprocess, imported.notes);
  const formats::TensorFile nothing_said;
  Identified found{nullptr, described_network(std::move(imported.graph), imported.input, {}),
                   std::move(imported.notes)};
  found.network.preprocess = preprocess;
  Model model = make_model(nothing_said, std::move(found), file, on_refusal);
  // Without an activation at its end the graph says softmax, and a configuration file may know better.
  if (imported.activation != Activation::softmax) model.activation = imported.activation;
  return model;
}

}  // namespace ablaze::models
